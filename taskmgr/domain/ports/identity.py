"""What recognises callers: stored tokens, and how their secrets are made and compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import User


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredToken:
    """A token with the hash of its secret and its owner: everything that identifies a caller."""

    token: Token
    secret_hash: bytes
    owner: User


class TokenRepository(Protocol):
    """Stores tokens."""

    def get(self, token_id: str) -> Token:
        """Returns the token. Raises `NotFound`."""

    def find_by_user(self, user_id: str) -> Sequence[Token]:
        """Returns a user's tokens, newest first."""

    def find_with_owner(self, token_id: str) -> StoredToken | None:
        """Returns a token together with its owner, or None if there is no such token."""

    def find_many_with_owners(self, token_ids: Collection[str]) -> Mapping[str, StoredToken]:
        """Returns the tokens that exist among these together with their owners, by id."""

    def touch(self, token_id: str) -> None:
        """Makes this command conflict with any other that touches or removes this token."""

    def add(self, token: Token, secret_hash: bytes) -> None:
        """Stores a new token."""

    def remove(self, token_id: str) -> None:
        """Deletes a token, if it exists."""

    def record_use(self, token_id: str, at: datetime) -> None:
        """Stores when a token was last used."""


class Credentials(Protocol):
    """Makes the secrets of tokens and recognises them."""

    def new_secret(self) -> str:
        """Returns a secret that cannot be guessed."""

    def hash(self, secret: str) -> bytes:
        """Returns the hash that is stored instead of a secret."""

    def matches(self, secret: str, secret_hash: bytes) -> bool:
        """Returns True if the hash is of this secret, in time that does not depend on where they differ."""
