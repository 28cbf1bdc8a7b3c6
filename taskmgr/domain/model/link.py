"""Sign-in links, with which people choose a password and sign in for the first time, or after a reset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(kw_only=True, slots=True)
class Link:
    """A link without its secret. It works once, until it expires or a later one replaces it."""

    id: str
    user_id: str
    created_by: str
    created_at: datetime
    expires_at: datetime

    @property
    def version(self) -> int:
        """Returns the version of its entry in the log."""
        return 1

    @property
    def updated_at(self) -> datetime:
        """Returns when it was created."""
        return self.created_at

    def is_expired(self, *, now: datetime) -> bool:
        return self.expires_at <= now
