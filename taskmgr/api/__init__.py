"""The REST API: it loads what came in, calls a service, and dumps what the service answered."""
