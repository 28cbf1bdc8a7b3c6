"""What time it is, to the millisecond: the store keeps no more, and an answer must equal a reading."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Dated(Protocol):
    """Anything that knows when it was last changed."""

    @property
    def updated_at(self) -> datetime: ...


def utc_now() -> datetime:
    """The present moment in UTC, cut to milliseconds."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def time_of_change(clock: Callable[[], datetime], before: Dated) -> datetime:
    """Returns the time of a change, which is never earlier than that of the version before.

    Two machines' clocks differ, and a clock may be set back. A command asks inside its transaction,
    once the entity is loaded: asked earlier, a command that waits for another would keep a time that
    is earlier than the one of the version it changes.
    """
    return max(clock(), before.updated_at)


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`. `moment` must be in UTC, whether it says so or not.

    From tables: a page of a list has some two hundred of them, and `isoformat` takes three times as
    long.
    """
    day = _DAYS.get(number := moment.toordinal())
    if day is None:
        day = _remember_day(number, moment)
    return (
        day
        + _MINUTES[moment.hour * 60 + moment.minute]
        + _SECONDS[moment.second]
        + _MILLISECONDS[moment.microsecond // 1000]
    )


_MOST_DAYS = 20_000
_DAYS: dict[int, str] = {}
_MINUTES = [f"{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60)]
_SECONDS = [f"{second:02}." for second in range(60)]
_MILLISECONDS = [f"{millisecond:03}Z" for millisecond in range(1000)]


def _remember_day(number: int, moment: datetime) -> str:
    if len(_DAYS) >= _MOST_DAYS:
        _DAYS.clear()
    _DAYS[number] = f"{moment.date().isoformat()}T"
    return _DAYS[number]
