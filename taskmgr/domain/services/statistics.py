"""Counts tasks: their present state and their history by day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from taskmgr.domain.model import values
from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.parsing import BadValue, optional, parse_fields
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import OPEN
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.reads import StatisticsRepository
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.domain.queries.search import folded
from taskmgr.domain.queries.statistics import (
    MAX_POINTS,
    PERCENTILES,
    AssigneeCount,
    CycleTimeList,
    CycleTimes,
    DayCounts,
    Days,
    Flow,
    FlowDay,
    LabelCount,
    Statistics,
    nearest_rank,
    parse_day,
)
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.project_filters import find_projects


@dataclass(frozen=True, slots=True)
class StatisticsService:
    """Counts tasks outside the bin. Nothing is stored; every call counts again."""

    store: Store
    policy: Policy
    clock: Clock

    def of(
        self,
        first: date | str | None = None,
        last: date | str | None = None,
        *,
        projects: Collection[str] | None = None,
        by: Actor,
    ) -> Statistics:
        """Returns the counts of this moment, and those of the days from `first` to `last`, both included.

        The default is the last 30 days up to today. With `projects`, given by key or id, only their tasks
        are counted. Raises `Invalid` for more than 366 days and for unknown projects.
        """
        permissions.require(by, Action.READ)
        now = self.clock()
        days, numbers = self._days(first, last, now), self._numbers(projects)
        # A transaction, although nothing is written: all counts are of one moment.
        return self.store.unit_of_work.run(lambda: self._of(numbers, days, now))

    def flow(
        self,
        first: date | str | None = None,
        last: date | str | None = None,
        *,
        projects: Collection[str] | None = None,
        by: Actor,
    ) -> Flow:
        """Returns how many tasks were in each status at the end of each day, for days as in `of`.

        The tasks are those that are outside the bin now and, with `projects`, in one of these now. Their
        former statuses are read from the log.
        """
        permissions.require(by, Action.READ)
        days, numbers = self._days(first, last, self.clock()), self._numbers(projects)
        statuses = self.policy.workflow.statuses
        return self.store.unit_of_work.run(lambda: Flow(days, _flow(numbers, days, statuses)))

    def cycle_times(
        self,
        first: date | str | None = None,
        last: date | str | None = None,
        *,
        projects: Collection[str] | None = None,
        by: Actor,
    ) -> CycleTimeList:
        """Returns the cycle times of the tasks completed on these days, and the latest tasks one by one."""
        permissions.require(by, Action.READ)
        days, numbers = self._days(first, last, self.clock()), self._numbers(projects)
        start, *_, end = days.midnights
        return self.store.unit_of_work.run(
            lambda: CycleTimeList(
                _cycle_times(numbers, start, end), numbers.latest_cycle_times(start, end, limit=MAX_POINTS)
            )
        )

    def labels(
        self,
        page_request: PageRequest = PageRequest(),
        prefix: str = "",
        *,
        projects: Collection[str] | None = None,
        by: Actor,
    ) -> Page[LabelCount]:
        """Returns a page of the labels of tasks outside the bin, by name, each with how many have it.

        `prefix` is what they begin with, without regard to case and accents. With `projects`, given by key
        or id, only their tasks are counted. Raises `Invalid` for unknown projects.
        """
        permissions.require(by, Action.READ)
        folded_prefix = folded(values.text(prefix, max_length=values.MAX_LABEL_LENGTH))
        numbers = self._numbers(projects)
        return self.store.unit_of_work.run(lambda: self._labels(numbers, page_request, folded_prefix))

    def _days(self, first: date | str | None, last: date | str | None, now: datetime) -> Days:
        zone = self.policy.time_zone
        parse = optional(lambda value: parse_day(value, zone))
        span = parse_fields({"first": first, "last": last}, {"first": parse, "last": parse})
        try:
            return Days.between(span["first"], span["last"], now=now, zone=zone)
        except BadValue as bad:
            raise Invalid([bad.at("first")]) from bad

    def _numbers(self, projects: Collection[str] | None) -> StatisticsRepository:
        """Returns the numbers of these projects' tasks, or of all tasks for None."""
        return self.store.statistics.of_projects(find_projects(self.store, projects))

    def _labels(
        self, numbers: StatisticsRepository, page_request: PageRequest, folded_prefix: str
    ) -> Page[LabelCount]:
        names = [name for name in numbers.labels() if folded(name).startswith(folded_prefix)]
        start = 0 if page_request.after is None else bisect_right(names, page_request.after.id)
        rows: list[LabelCount] = []
        size = page_request.limit + 1
        for index in range(start, len(names), size):  # more than once if no task counts for some
            rows += self._counted(numbers, names[index : index + size])
            if len(rows) >= size:
                break
        items = rows[: page_request.limit]
        return Page(
            items=items,
            next=Position((), items[-1].label) if len(rows) > page_request.limit else None,
            total=len(self._counted(numbers, names)) if page_request.with_total else None,
        )

    def _counted(self, numbers: StatisticsRepository, labels: Sequence[str]) -> list[LabelCount]:
        """Returns the counts of these labels, without labels for which no task counts."""
        open_statuses = self.policy.workflow.in_category(*OPEN)
        counts = numbers.by_label(labels) if labels else {}
        return [
            LabelCount(label, sum(counts[label].get(status, 0) for status in open_statuses), tasks)
            for label in labels
            if (tasks := sum(counts[label].values()))
        ]

    def _of(self, numbers: StatisticsRepository, days: Days, now: datetime) -> Statistics:
        workflow = self.policy.workflow
        open_statuses, midnights = workflow.in_category(*OPEN), days.midnights
        return Statistics(
            by_status=numbers.by_status(workflow.statuses),
            by_priority=numbers.by_priority(open_statuses),
            by_assignee=self._by_assignee(numbers, open_statuses, now),
            overdue=numbers.overdue(open_statuses, now),
            days=days,
            per_day=[
                DayCounts(*counted)
                for counted in zip(
                    days, numbers.created(midnights), numbers.completed(midnights), strict=True
                )
            ],
            cycle_times=_cycle_times(numbers, midnights[0], midnights[-1]),
        )

    def _by_assignee(
        self, numbers: StatisticsRepository, statuses: tuple[str, ...], now: datetime
    ) -> Sequence[AssigneeCount]:
        counts = numbers.by_assignee(statuses, now)
        names = self.store.users.usernames([user_id for user_id in counts if user_id is not None])
        rows = [AssigneeCount(key, names.get(key or ""), *numbers) for key, numbers in counts.items()]
        return sorted(rows, key=lambda row: (-row.open, row.username is None, row.username or ""))


def _cycle_times(numbers: StatisticsRepository, start: datetime, end: datetime) -> CycleTimes:
    tasks = numbers.finished(start, end)
    if not tasks:
        return CycleTimes(0, None, None)
    median, p85 = (nearest_rank(percent, tasks) for percent in PERCENTILES)
    shorter, longer = numbers.cycle_times(start, end, median, p85)
    return CycleTimes(tasks, shorter.total_seconds(), longer.total_seconds())


def _flow(numbers: StatisticsRepository, days: Days, statuses: Sequence[str]) -> Sequence[FlowDay]:
    """Returns the counts at the end of each day, going back from the present through the changes since."""
    counts = numbers.by_status(statuses)
    changes = numbers.status_changes(days.midnights[1:])
    rows: list[FlowDay] = []
    for day, grown in zip(reversed([*days]), reversed(changes), strict=True):
        counts = {status: counts[status] - grown.get(status, 0) for status in statuses}
        rows.append(FlowDay(day, counts))
    return rows[::-1]
