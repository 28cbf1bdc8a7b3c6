"""The domain's ports on MongoDB: client, transactions, documents, mappers, migrations."""
