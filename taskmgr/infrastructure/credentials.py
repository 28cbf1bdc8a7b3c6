"""Makes and hashes secrets. A fast hash suffices, because a random secret of 256 bits cannot be guessed."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SECRET_BYTES = 32


class Sha256Credentials:
    """Implements `Credentials` with SHA-256."""

    def new_secret(self) -> str:
        return secrets.token_urlsafe(_SECRET_BYTES)

    def hash(self, secret: str) -> bytes:
        return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

    def matches(self, secret: str, secret_hash: bytes) -> bool:
        return hmac.compare_digest(self.hash(secret), secret_hash)
