"""Versions, ETags, idempotency keys and cursors: what ties a request to an earlier response."""
