"""Handles what ties a request to an earlier response: versions, ETags, idempotency keys and cursors."""
