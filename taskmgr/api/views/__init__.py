"""The endpoints, one blueprint per resource. A view passes its input to a service and returns the result."""
