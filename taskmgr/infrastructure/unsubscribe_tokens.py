"""Makes the tokens with which the recipients of mails end them, so that none has to be stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from itsdangerous import BadSignature, Signer


class SignedUnsubscribeTokens:
    """Implements `UnsubscribeTokens`: the user's id, signed. `secret_key` is called for each token."""

    def __init__(self, secret_key: Callable[[], str]) -> None:
        self._secret_key = secret_key

    def make(self, user_id: str) -> str:
        return self._signer().sign(user_id).decode()

    def read(self, text: str) -> str | None:
        try:
            return self._signer().unsign(text).decode()
        except BadSignature:
            return None

    def _signer(self) -> Signer:
        return Signer(
            self._secret_key(), salt="taskmgr.unsubscribe", key_derivation="hmac",
            digest_method=hashlib.sha256,
        )  # fmt: skip
