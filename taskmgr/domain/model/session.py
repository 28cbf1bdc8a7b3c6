"""Sessions of people who have signed in with a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionLimits:
    """How long a session lasts without a request, and at most."""

    idle: timedelta = timedelta(hours=8)
    absolute: timedelta = timedelta(days=7)


@dataclass(kw_only=True, slots=True)
class Session:
    """A session without its secret. It has all scopes, and it does not change until it ends.

    `user_agent` and `address` describe the browser when the session began, so that people recognise it.
    """

    id: str
    user_id: str
    user_agent: str
    address: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime

    @property
    def version(self) -> int:
        """Returns the version of its entry in the log."""
        return 1

    @property
    def updated_at(self) -> datetime:
        """Returns when it began."""
        return self.created_at

    def is_expired(self, *, now: datetime) -> bool:
        return self.expires_at <= now

    def is_idle(self, limits: SessionLimits, *, now: datetime) -> bool:
        return now - self.last_used_at >= limits.idle


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownBrowser:
    """A browser in which a user has signed in before, as proved by a signed cookie.

    `password_set_at` is when the user had chosen the password of that time; None without one.
    """

    id: str
    user_id: str
    password_set_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """What is known about a browser before anybody has signed in with it.

    `known` is None for a browser in which nobody has signed in before. `session` is the text of the session
    that the browser presents, or "".
    """

    address: str = ""
    user_agent: str = ""
    known: KnownBrowser | None = None
    session: str = ""
