"""The stored responses of requests that carry an idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResponse:
    """A response exactly as it was sent; only the interface that sent it knows what is in it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyRecord:
    """The response to the first request with a key, and a hash that identifies that request."""

    fingerprint: bytes
    response: StoredResponse


class IdempotencyRepository(Protocol):
    """Stores responses by caller and key until they expire."""

    def get(self, caller: str, key: str, *, now: datetime) -> IdempotencyRecord | None:
        """Returns the record of this key, or None if there is no record or it has expired."""

    def reserve(self, caller: str, key: str, expires_at: datetime) -> None:
        """Reserves a key. Raises `WriteConflict` if another transaction is reserving it."""

    def save(self, caller: str, key: str, record: IdempotencyRecord) -> None:
        """Stores the record of a reserved key."""
