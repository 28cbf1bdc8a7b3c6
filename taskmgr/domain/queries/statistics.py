"""The statistics: their days in the service's time zone, percentiles, and the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from taskmgr.domain.model.due_date import EARLIEST, DueDate, is_day, start_of_day
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.project import Project

DEFAULT_DAYS = 30
MAX_DAYS = 366
MAX_POINTS = 1_000
RECENTLY = timedelta(days=30)  # of the counts of projects
# The percentiles of the cycle times: the median, and the time that most tasks do not exceed.
PERCENTILES = (50, 85)

_FORM = "Must be a date, such as 2026-12-01."


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many tasks outside the bin have a label, and how many of these are open."""

    label: str
    open: int
    tasks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectCounts:
    """How many tasks of a project outside the bin are open, and how many of these are past their due date.

    `completed_30_days` counts the tasks that were completed in the last 30 days, each of 24 hours.
    """

    open: int = 0
    overdue: int = 0
    completed_30_days: int = 0


@dataclass(frozen=True, slots=True)
class ProjectWithCounts:
    """A project and the counts of its tasks."""

    project: Project
    counts: ProjectCounts


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`, both included, in a time zone; at most `MAX_DAYS`."""

    first: date
    last: date
    zone: tzinfo

    @classmethod
    def between(cls, first: date | None, last: date | None, *, now: datetime, zone: tzinfo) -> Days:
        """Returns the days between two days; by default the `DEFAULT_DAYS` days that end today.

        Raises `BadValue`, about the first day, if there would be no day or too many.
        """
        last = last or now.astimezone(zone).date()
        first = first or _back(last, DEFAULT_DAYS - 1)
        if first > last:
            raise BadValue("out_of_range", f"Must not be later than the last day, which is {last}.")
        if (last - first).days >= MAX_DAYS:
            earliest = _back(last, MAX_DAYS - 1)
            detail = f"Must be {earliest} or later: at most {MAX_DAYS} days up to {last}."
            raise BadValue("too_many", detail)
        return cls(first, last, zone)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    @property
    def midnights(self) -> Sequence[datetime]:
        """The midnights that begin each day and end the last one, in UTC; a day may have 23 or 25 hours."""
        return [*(start_of_day(day, self.zone) for day in self), DueDate.on(self.last, self.zone).at]


def parse_day(value: object, zone: tzinfo) -> date:
    """Returns a plain date, from text such as `2026-12-01` or a `date`, in the range of due dates."""
    if isinstance(value, str) and is_day(value):
        try:
            value = date.fromisoformat(value)
        except ValueError as error:
            raise BadValue("bad_date", f"There is no such date. {_FORM}") from error
    if not isinstance(value, date) or isinstance(value, datetime):
        raise BadValue("bad_date", _FORM)
    DueDate.on(value, zone)
    return value


def nearest_rank(percent: int, count: int) -> int:
    """Returns the position of a percentile among `count` values in ascending order, counted from 1.

    This is the nearest-rank definition: the smallest value that at least `percent` percent of the values do
    not exceed. It is always one of the values, so the median of two values is the smaller one.
    """
    return -(-percent * count // 100)


def _back(day: date, days: int) -> date:
    """Returns the day that many days before, or the first possible day."""
    return max(day, EARLIEST.date() + timedelta(days=days)) - timedelta(days=days)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What happened on one day."""

    day: date
    created: int
    completed: int


@dataclass(frozen=True, slots=True)
class AssigneeCount:
    """How many open tasks an assignee has, and how many of these are past their due date.

    The counts of unassigned tasks have neither id nor username.
    """

    assignee_id: str | None
    username: str | None
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class CycleTimes:
    """How long tasks took from their first start to their completion, in seconds; None for no tasks."""

    tasks: int
    median_seconds: float | None
    p85_seconds: float | None


@dataclass(frozen=True, slots=True)
class CycleTime:
    """How long one task took from its first start to its completion."""

    id: str
    key: str
    finished_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class CycleTimeList:
    """The cycle times of the tasks that were completed on some days; `latest` has at most `MAX_POINTS`."""

    all: CycleTimes
    latest: Sequence[CycleTime]


@dataclass(frozen=True, slots=True)
class FlowDay:
    """How many tasks were in each status at the end of a day."""

    day: date
    by_status: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """The tasks in each status at the end of each of these days."""

    days: Days
    per_day: Sequence[FlowDay]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Numbers over all tasks outside the bin, all of one moment.

    `by_status` counts every task; `by_priority`, `by_assignee` (most first) and `overdue` only open
    ones. `per_day` and `cycle_times` cover `days`.
    """

    by_status: Mapping[str, int]
    by_priority: Mapping[Priority, int]
    by_assignee: Sequence[AssigneeCount]
    overdue: int
    days: Days
    per_day: Sequence[DayCounts]
    cycle_times: CycleTimes
