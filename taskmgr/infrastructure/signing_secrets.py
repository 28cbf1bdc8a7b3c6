"""Computes the secrets of webhooks, so that none has to be stored.

A stored secret would have to be encrypted, with a key that follows from the service's secret key. Computing
it from this key needs no encryption and reveals as little to whoever reads only the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from taskmgr.domain.ports.webhooks import SecretLost, StoredSecret

_SALT_BYTES = 32
_PURPOSE = b"taskmgr webhook secret\0"


class DerivedSecrets:
    """Implements `SigningSecrets` with HMAC-SHA256; `secret_key` is called whenever a secret is needed."""

    def __init__(self, secret_key: Callable[[], str]) -> None:
        self._secret_key = secret_key

    def new(self) -> StoredSecret:
        salt = secrets.token_bytes(_SALT_BYTES)
        return StoredSecret(salt=salt, digest=_digest(self._compute(salt)))

    def reveal(self, stored: StoredSecret) -> bytes:
        secret = self._compute(stored.salt)
        if not hmac.compare_digest(_digest(secret), stored.digest):
            raise SecretLost
        return secret

    def _compute(self, salt: bytes) -> bytes:
        return hmac.digest(self._secret_key().encode(), _PURPOSE + salt, hashlib.sha256)


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
