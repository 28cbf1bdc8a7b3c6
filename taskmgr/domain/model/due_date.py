"""Due dates, which are a day or an instant, and the parsing of dates and date-times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeVar

from taskmgr.domain.model.clock import format_instant, to_milliseconds
from taskmgr.domain.model.parsing import BadValue

T = TypeVar("T", date, datetime)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
_FORM = "Must be a date (2026-12-01) or a date-time with an offset (2026-12-01T17:00:00Z)."
_RANGE = "Must lie in the years 1970 to 9999, in UTC; for a date, the midnight that ends it counts."


@dataclass(frozen=True, slots=True)
class DueDate:
    """A due date: `at` is the instant from which the task is overdue; `day` is set if it is a plain date.

    A plain date is due at the midnight that ends it in the service's time zone. Tasks are sorted, and become
    overdue, by the instant alone. `str()` returns the date, or the instant, as it is sent.
    """

    at: datetime
    day: date | None = None

    def __str__(self) -> str:
        return format_instant(self.at) if self.day is None else self.day.isoformat()

    @classmethod
    def on(cls, day: date, zone: tzinfo) -> DueDate:
        """Returns the due date of a day in this time zone. Raises `BadValue` if it is out of range."""
        try:
            midnight = start_of_day(day + timedelta(days=1), zone)
        except OverflowError as error:
            raise BadValue("out_of_range", _RANGE) from error
        if day.year < EARLIEST.year:
            raise BadValue("out_of_range", _RANGE)
        return cls(_in_range(midnight), day)

    @classmethod
    def at_instant(cls, moment: datetime) -> DueDate:
        """Returns the due date of an instant, cut to milliseconds.

        Raises `BadValue` if `moment` has no offset, or is out of range.
        """
        if moment.tzinfo is None or moment.utcoffset() is None:
            raise BadValue("no_offset", "A date-time must have an offset, such as Z or +02:00.")
        try:
            utc = moment.astimezone(UTC)
        except OverflowError as error:
            raise BadValue("out_of_range", _RANGE) from error
        return cls(_in_range(to_milliseconds(utc)))

    @classmethod
    def parse(cls, value: object, zone: tzinfo) -> DueDate:
        """Returns a due date from text in the form of RFC 3339, a `date`, a `datetime` or a `DueDate`."""
        if isinstance(value, DueDate):
            return value
        if isinstance(value, datetime):
            return cls.at_instant(value)
        if isinstance(value, date):
            return cls.on(value, zone)
        if not isinstance(value, str):
            raise BadValue("bad_date", _FORM)
        if is_day(value):
            return cls.on(_read(date, value), zone)
        if _MOMENT.fullmatch(value):
            return cls.at_instant(_read(datetime, value.upper()))
        raise BadValue("bad_date", _FORM)


def is_day(text: str) -> bool:
    """Returns True for text in the form of a date, such as `2026-02-30`, whether or not the date exists."""
    return _DAY.fullmatch(text) is not None


def parse_instant(value: object) -> datetime:
    """Returns an instant in UTC from a `datetime` or text in the form of RFC 3339, cut to milliseconds."""
    if isinstance(value, datetime):
        return DueDate.at_instant(value).at
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return DueDate.at_instant(_read(datetime, value.upper())).at
    raise BadValue("bad_date", "Must be a date-time with an offset (2026-12-01T17:00:00Z).")


def parse_bound(value: object, zone: tzinfo) -> date | datetime:
    """Returns one end of a span: a day, or an instant in UTC. Accepts the same text as a due date."""
    if isinstance(value, str) and is_day(value):
        day = _read(date, value)
        if day.year < EARLIEST.year:
            raise BadValue("out_of_range", _RANGE)
        return day
    return DueDate.parse(value, zone).at


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Returns the midnight that begins a day in a time zone, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """Returns the midnight that ends a day in a time zone, in UTC; for the last possible day `LATEST`."""
    try:
        return start_of_day(day + timedelta(days=1), zone)
    except OverflowError:
        return LATEST


def parse_start(value: str, zone: tzinfo) -> datetime:
    """Returns the start of a span, inclusive: an instant, or the midnight that begins a day."""
    bound = parse_bound(value, zone)
    return bound if isinstance(bound, datetime) else start_of_day(bound, zone)


def parse_end(value: str, zone: tzinfo) -> datetime:
    """Returns the end of a span, exclusive: an instant, or the midnight that ends a day."""
    return DueDate.parse(value, zone).at


def _read(kind: type[T], value: str) -> T:
    try:
        return kind.fromisoformat(value)
    except ValueError as error:
        raise BadValue("bad_date", f"There is no such date or time. {_FORM}") from error


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise BadValue("out_of_range", _RANGE)
    return moment
