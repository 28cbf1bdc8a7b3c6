"""The domain's ports on MongoDB, and the MongoDB that the service brings along."""
