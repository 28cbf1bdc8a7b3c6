"""What signing in needs: sessions, passwords, links, accounts, the count of failed attempts, and hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskmgr.domain.model.account import Account
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.user import User


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSession:
    """A session with the hash of its secret and its owner: everything that identifies a caller."""

    session: Session
    secret_hash: bytes
    owner: User


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLink:
    """A link with the hash of its secret."""

    link: Link
    secret_hash: bytes


class SessionRepository(Protocol):
    """Stores sessions. The store may remove a session once it has expired."""

    def get(self, session_id: str) -> Session:
        """Returns the session. Raises `NotFound`."""

    def find_by_user(self, user_id: str) -> Sequence[Session]:
        """Returns a user's sessions, newest first."""

    def find_with_owner(self, session_id: str) -> StoredSession | None:
        """Returns a session together with its owner, or None if there is no such session."""

    def touch(self, session_id: str) -> None:
        """Makes this command conflict with any other that touches or removes this session."""

    def add(self, session: Session, secret_hash: bytes) -> None:
        """Stores a new session."""

    def remove(self, session_id: str) -> None:
        """Deletes a session, if it exists."""

    def record_use(self, session_id: str, at: datetime) -> None:
        """Stores when a session was last used."""


class PasswordRepository(Protocol):
    """Stores the hash of each user's password."""

    def get(self, user_id: str) -> str | None:
        """Returns the hash of a user's password, or None if the user has none."""

    def set(self, user_id: str, password_hash: str, at: datetime) -> None:
        """Stores the hash of a password that was chosen at this time."""


class LinkRepository(Protocol):
    """Stores sign-in links. The store may remove a link once it has expired."""

    def find(self, link_id: str) -> StoredLink | None:
        """Returns a link, or None if it does not exist."""

    def find_by_user(self, user_id: str) -> Sequence[Link]:
        """Returns the links for a user, newest first."""

    def add(self, link: Link, secret_hash: bytes) -> None:
        """Stores a new link."""

    def remove(self, link_id: str) -> None:
        """Deletes a link. Two commands that delete the same link conflict."""


class AccountRepository(Protocol):
    """Stores accounts at the identity provider, each of them once."""

    def get(self, account_id: str) -> Account:
        """Returns the account. Raises `NotFound`."""

    def find(self, issuer: str, subject: str) -> Account | None:
        """Returns the account that the provider calls by this name, or None if nobody has linked it."""

    def find_by_user(self, user_id: str) -> Sequence[Account]:
        """Returns a user's accounts, newest first."""

    def add(self, account: Account) -> None:
        """Stores a new account. Two commands that store the same one conflict."""

    def remove(self, account_id: str) -> None:
        """Deletes an account. Two commands that delete the same one conflict."""


class AttemptRepository(Protocol):
    """Counts attempts in windows that begin with the first one, exactly, whoever counts at the same time.

    It is not part of the running transaction, because a refused attempt counts, too.
    """

    def count(self, key: str, *, limit: int, now: datetime, until: datetime) -> datetime | None:
        """Counts an attempt and returns None; beyond the limit, counts nothing and returns the window's end.

        `until` is the end of the window if this attempt begins one.
        """

    def take_back(self, key: str) -> None:
        """Makes one counted attempt uncounted."""


class PasswordHashes(Protocol):
    """Hashes passwords slowly."""

    def make(self, password: str) -> str:
        """Returns a hash, with its salt and parameters. Raises `Unavailable` if too many are waiting."""

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Returns True if the hash is of this password.

        Without a hash it returns False, after as much time. Raises `Unavailable` if too many are waiting.
        """

    def is_outdated(self, password_hash: str) -> bool:
        """Returns True if the hash was made with other parameters than those of today."""
