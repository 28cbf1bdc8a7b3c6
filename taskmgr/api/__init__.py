"""The REST API: views that load a request, call a service and write its result; no rules and no queries."""
