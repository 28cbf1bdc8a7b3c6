"""`StatisticsRepository` on the collection `tasks`: every number is read from an index alone.

Only the history of statuses is read from the log, and single cycle times from their tasks.

Queries name their index, because a plan that fetches documents is many times slower. Days are computed in
Python and not by the server, whose time zone data may be of another year than Python's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import gcd
from typing import Any

from pymongo.database import Database

from taskmgr.domain.history.changes import STATUS_KINDS
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.queries.statistics import CycleTime, ProjectCounts
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads.keyset import Filter

# Indexes: of all tasks, and of the tasks of projects.
_COMPLETED = "completed"
_CREATED, _CREATED_IN_PROJECT = "newest", "project_newest"
_STATUS, _STATUS_IN_PROJECT = "status_due", "project_status_due"
_TIMES = {"key": True, "completed_at": True, "started_at": True}
_PORTION = 200_000  # ids of tasks in one command
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


@raises_domain_errors
class MongoStatisticsRepository:
    def __init__(
        self, database: Database[Any], projects: Collection[str] | None = None, *, portion: int = _PORTION
    ) -> None:
        self._database = database
        self._portion = portion
        self._tasks = database["tasks"]
        self._activity = database["activity"]
        self._counted: Filter = {"binned": False}
        self._by_status, self._by_creation = _STATUS, _CREATED
        if projects is not None:
            self._counted["project"] = {"$in": list(projects)}
            self._by_status, self._by_creation = _STATUS_IN_PROJECT, _CREATED_IN_PROJECT

    def of_projects(self, keys: Collection[str] | None) -> MongoStatisticsRepository:
        return MongoStatisticsRepository(self._database, keys, portion=self._portion)

    def by_status(self, statuses: Collection[str]) -> Mapping[str, int]:
        # One range of the index per status costs half as much as grouping all tasks by status.
        return {status: self._count({"status": status}, self._by_status) for status in statuses}

    def by_priority(self, statuses: Collection[str]) -> Mapping[Priority, int]:
        counts = self._count_by("$priority_rank", {"status": {"$in": list(statuses)}}, self._by_status)
        return {priority: counts.get(priority.rank, 0) for priority in Priority}

    def by_assignee(self, statuses: Collection[str], now: datetime) -> Mapping[str | None, tuple[int, int]]:
        overdue = {"$sum": {"$cond": [{"$lte": ["$due_at", now]}, 1, 0]}}
        stages: list[dict[str, Any]] = [
            {"$match": {**self._counted, "status": {"$in": list(statuses)}}},
            {"$group": {"_id": "$assignee_id", "open": {"$sum": 1}, "overdue": overdue}},
        ]
        return {
            None if row["_id"] is None else str(row["_id"]): (row["open"], row["overdue"])
            for row in self._tasks.aggregate(stages, hint=self._by_status)
        }

    def labels(self) -> Sequence[str]:
        # Without a filter, the server reads one key of the index `labels` per label; with a filter, it
        # reads every task. Tasks without labels are in the index, too, under None.
        return sorted(label for label in self._tasks.distinct("labels") if label is not None)

    def by_label(self, labels: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        by_status = [
            {"$match": self._counted},
            {"$group": {"_id": "$status", "tasks": {"$sum": 1}}},
        ]
        lookup = {"from": self._tasks.name, "localField": "label", "foreignField": "labels"}
        rows = self._tasks.database.aggregate(
            [
                {"$documents": [{"label": label} for label in labels]},
                {"$lookup": {**lookup, "pipeline": by_status, "as": "counts"}},
            ]
        )
        return {row["label"]: {count["_id"]: count["tasks"] for count in row["counts"]} for row in rows}

    def by_project(
        self, keys: Collection[str], statuses: Collection[str], *, now: datetime, since: datetime
    ) -> Mapping[str, ProjectCounts]:
        counted: Filter = {"binned": False, "project": {"$in": list(keys)}}
        overdue = {"$sum": {"$cond": [{"$lte": ["$due_at", now]}, 1, 0]}}
        stages: list[dict[str, Any]] = [
            {"$match": {**counted, "status": {"$in": list(statuses)}}},
            {"$group": {"_id": "$project", "open": {"$sum": 1}, "overdue": overdue}},
            {"$unionWith": {"coll": self._tasks.name, "pipeline": _recently_completed(counted, since)}},
        ]
        counts: dict[str, dict[str, int]] = {key: {} for key in keys}
        for row in self._tasks.aggregate(stages, hint=_STATUS_IN_PROJECT):
            counts[row.pop("_id")].update(row)
        return {key: ProjectCounts(**numbers) for key, numbers in counts.items()}

    def overdue(self, statuses: Collection[str], now: datetime) -> int:
        return self._count({"status": {"$in": list(statuses)}, "due_at": {"$lte": now}}, self._by_status)

    def created(self, midnights: Sequence[datetime]) -> Sequence[int]:
        return self._per_day("created_at", {}, midnights, self._by_creation)

    def completed(self, midnights: Sequence[datetime]) -> Sequence[int]:
        return self._per_day("completed_at", {"$type": "date"}, midnights, _COMPLETED)

    def finished(self, start: datetime, end: datetime) -> int:
        return self._count(_finished_filter(start, end), _COMPLETED)

    def cycle_times(
        self, start: datetime, end: datetime, shorter: int, longer: int
    ) -> tuple[timedelta, timedelta]:
        milliseconds = {"$subtract": ["$completed_at", "$started_at"]}
        stages: list[dict[str, Any]] = [
            {"$match": {**self._counted, **_finished_filter(start, end)}},
            {"$project": {"_id": False, "time": milliseconds}},
            {"$sort": {"time": 1}},
            {"$skip": shorter - 1},
            {"$limit": longer - shorter + 1},
            {"$group": {"_id": None, "shorter": {"$first": "$time"}, "longer": {"$last": "$time"}}},
        ]
        (row,) = self._tasks.aggregate(stages, hint=_COMPLETED)
        return row["shorter"] * _MILLISECOND, row["longer"] * _MILLISECOND

    def latest_cycle_times(self, start: datetime, end: datetime, *, limit: int) -> Sequence[CycleTime]:
        filters = {**self._counted, **_finished_filter(start, end)}
        order = [("completed_at", -1), ("started_at", -1)]
        rows = self._tasks.find(filters, _TIMES, hint=_COMPLETED).sort(order).limit(limit)
        return [
            CycleTime(
                id=str(row["_id"]),
                key=row["key"],
                finished_at=row["completed_at"],
                seconds=(row["completed_at"] - row["started_at"]).total_seconds(),
            )
            for row in rows
        ]

    def status_changes(self, moments: Sequence[datetime]) -> Sequence[Mapping[str, int]]:
        changes: list[Counter[str]] = [Counter() for _ in moments]
        for sign, task_ids in self._counted_in_log():
            for place, before, after, entries in self._moves(moments, task_ids):
                changes[place][after] += sign * entries
                if before is not None:
                    changes[place][before] -= sign * entries
        return changes

    def _counted_in_log(self) -> Iterator[tuple[int, Filter]]:
        """Yields conditions for the tasks whose entries are to be added (1) or subtracted (-1).

        With projects, the entries of their tasks; otherwise all entries but those of the bin, of which there
        are fewer. Tasks are named in portions, because a command has at most 16 MB.
        """
        if "project" in self._counted:
            sign, filters, index = 1, self._counted, self._by_creation
        else:
            yield 1, {}
            sign, filters, index = -1, {"binned": True}, self._by_creation
        ids = (row["_id"] for row in self._tasks.find(filters, {"_id": True}, hint=index))
        while portion := list(islice(ids, self._portion)):
            yield sign, {"entity_id": {"$in": portion}}

    def _moves(
        self, moments: Sequence[datetime], task_ids: Filter
    ) -> Iterator[tuple[int, str | None, str, int]]:
        """Yields how many entries moved tasks from a status (None for new tasks) to another, by moment.

        Each row begins with the position of the latest of these moments that is not after its entries.
        """
        starts, interval, number = _intervals("$at", moments)
        moved = {"kind": {"$in": list(STATUS_KINDS)}, "after.status": {"$exists": True}}
        group = {"number": number, "before": "$before.status", "after": "$after.status"}
        stages: list[dict[str, Any]] = [
            {"$match": {**moved, **task_ids, "at": {"$gte": moments[0]}}},
            {"$group": {"_id": group, "entries": {"$sum": 1}}},
        ]
        for row in self._activity.aggregate(stages, hint="kind"):
            key = row["_id"]
            place = bisect_right(starts, key["number"] * interval) - 1
            yield place, key.get("before"), key["after"], row["entries"]

    def _count(self, filters: Filter, index: str) -> int:
        return self._tasks.count_documents({**self._counted, **filters}, hint=index)

    def _count_by(self, key: object, filters: Filter, index: str) -> dict[Any, int]:
        """Returns the number of matching tasks for each value of the expression `key`."""
        stages: list[dict[str, Any]] = [
            {"$match": {**self._counted, **filters}},
            {"$group": {"_id": key, "tasks": {"$sum": 1}}},
        ]
        return {row["_id"]: row["tasks"] for row in self._tasks.aggregate(stages, hint=index)}

    def _per_day(
        self, field: str, condition: Filter, midnights: Sequence[datetime], index: str
    ) -> Sequence[int]:
        """Returns the number of tasks whose `field` is in each day between two midnights."""
        starts, interval, number = _intervals(f"${field}", midnights)
        counts = [0] * (len(midnights) - 1)
        if not interval:
            return counts
        within = {**condition, "$gte": midnights[0], "$lt": midnights[-1]}
        for intervals, tasks in self._count_by(number, {field: within}, index).items():
            counts[bisect_right(starts, intervals * interval) - 1] += tasks
        return counts


def _intervals(field: str, moments: Sequence[datetime]) -> tuple[Sequence[int], int, object]:
    """Returns where moments are, the interval by which the server counts, and the expression for its number.

    It is the longest interval of which all distances between the moments are multiples: a day for midnights,
    or mostly an hour if the clocks change in between. Places and interval are milliseconds; the interval of
    a single moment is 0, and so is its number.
    """
    starts = [(moment - moments[0]) // _MILLISECOND for moment in moments]
    interval = gcd(*starts)
    elapsed = {"$subtract": [field, moments[0]]}
    return starts, interval, {"$floor": {"$divide": [elapsed, interval]}} if interval else {"$literal": 0}


def _recently_completed(counted: Filter, since: datetime) -> list[dict[str, Any]]:
    """Returns the stages that count the tasks completed at `since` or later, by project.

    `$type` repeats the condition of the partial index.
    """
    recently = {"completed_at": {"$type": "date", "$gte": since}}
    return [
        {"$match": {**counted, **recently}},
        {"$group": {"_id": "$project", "completed_30_days": {"$sum": 1}}},
    ]


def _finished_filter(start: datetime, end: datetime) -> Filter:
    """Returns the filter for tasks completed between two moments, without those that were never started.

    `$type` repeats the condition of the partial index, which could not be used otherwise.
    """
    return {"completed_at": {"$type": "date", "$gte": start, "$lt": end}, "started_at": {"$gte": _EARLIEST}}
