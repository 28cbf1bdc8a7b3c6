"""The endpoints, one blueprint a resource: load, call the service, dump."""
