"""The shapes of requests and responses, from which input is loaded, output written and OpenAPI described."""
