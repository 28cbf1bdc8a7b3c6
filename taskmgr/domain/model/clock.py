"""The time, cut to milliseconds as in the store, so that a result equals what is read back later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Dated(Protocol):
    """An entity with the time of its last change."""

    @property
    def updated_at(self) -> datetime: ...


def utc_now() -> datetime:
    """Returns the present time in UTC, cut to milliseconds."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(moment: datetime) -> datetime:
    """Returns the moment cut to milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def time_of_change(clock: Callable[[], datetime], before: Dated) -> datetime:
    """Returns the time of a change, which is never earlier than that of the previous version.

    The clocks of two machines differ, and a clock can be set back. Call this inside the transaction, after
    the entity has been loaded: a command that has to wait for another would otherwise use the time before.
    """
    return max(clock(), before.updated_at)


def format_instant(moment: datetime) -> str:
    """Returns an instant in the form of RFC 3339, with milliseconds and `Z`.

    `moment` must be in UTC, with or without a `tzinfo`.
    """
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"
