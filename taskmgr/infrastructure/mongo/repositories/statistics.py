"""`StatisticsRepository` on the collection `tasks`: every number is read from an index alone.

The indexes are named, since a plan that fetches the documents is many times slower. The server's own
work on dates is not used: which day a moment is in is for the domain to say, so the time zones of
the database and of Python need not be of the same year.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.priority import Priority
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads.keyset import Filter

_CREATED, _COMPLETED, _STATUS = "newest", "completed", "status_due"
_MILLISECOND = timedelta(milliseconds=1)
_EVER = datetime(1, 1, 1, tzinfo=UTC)


@raises_domain_errors
class MongoStatisticsRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._tasks = database["tasks"]

    def by_status(self, statuses: Collection[str]) -> Mapping[str, int]:
        # A range of the index each: half the cost of one grouping over all of them.
        return {status: self._count({"status": status}, _STATUS) for status in statuses}

    def by_priority(self, statuses: Collection[str]) -> Mapping[Priority, int]:
        found = self._grouped("$priority_rank", {"status": {"$in": list(statuses)}}, _STATUS)
        return {priority: found.get(priority.rank, 0) for priority in Priority}

    def by_assignee(self, statuses: Collection[str]) -> Mapping[str | None, int]:
        found = self._grouped("$assignee_id", {"status": {"$in": list(statuses)}}, _STATUS)
        return {None if key is None else str(key): count for key, count in found.items()}

    def labels(self) -> Sequence[str]:
        # Without a filter, one key of the index `labels` is read for each label; with one, every task.
        # A task without labels has a key of its own there, which comes back as None.
        return sorted(label for label in self._tasks.distinct("labels") if label is not None)

    def by_label(self, labels: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        by_status = [
            {"$match": {"binned": False}},
            {"$group": {"_id": "$status", "tasks": {"$sum": 1}}},
        ]
        lookup = {"from": self._tasks.name, "localField": "label", "foreignField": "labels"}
        rows = self._tasks.database.aggregate(
            [
                {"$documents": [{"label": label} for label in labels]},
                {"$lookup": {**lookup, "pipeline": by_status, "as": "counted"}},
            ]
        )
        return {row["label"]: {c["_id"]: c["tasks"] for c in row["counted"]} for row in rows}

    def overdue(self, statuses: Collection[str], now: datetime) -> int:
        return self._count({"status": {"$in": list(statuses)}, "due_at": {"$lte": now}}, _STATUS)

    def created(self, midnights: Sequence[datetime]) -> Sequence[int]:
        return self._per_day("created_at", {}, midnights, _CREATED)

    def completed(self, midnights: Sequence[datetime]) -> Sequence[int]:
        return self._per_day("completed_at", {"$type": "date"}, midnights, _COMPLETED)

    def finished(self, start: datetime, end: datetime) -> int:
        return self._count(_finished(start, end), _COMPLETED)

    def cycle_times(
        self, start: datetime, end: datetime, shorter: int, longer: int
    ) -> tuple[timedelta, timedelta]:
        took = {"$subtract": ["$completed_at", "$started_at"]}
        stages: list[dict[str, Any]] = [
            {"$match": {"binned": False, **_finished(start, end)}},
            {"$project": {"_id": False, "took": took}},
            {"$sort": {"took": 1}},
            {"$skip": shorter - 1},
            {"$limit": longer - shorter + 1},
            {"$group": {"_id": None, "shorter": {"$first": "$took"}, "longer": {"$last": "$took"}}},
        ]
        (row,) = self._tasks.aggregate(stages, hint=_COMPLETED)
        return row["shorter"] * _MILLISECOND, row["longer"] * _MILLISECOND

    def _count(self, matching: Filter, index: str) -> int:
        return self._tasks.count_documents({"binned": False, **matching}, hint=index)

    def _grouped(self, key: object, matching: Filter, index: str) -> dict[Any, int]:
        stages: list[dict[str, Any]] = [
            {"$match": {"binned": False, **matching}},
            {"$group": {"_id": key, "tasks": {"$sum": 1}}},
        ]
        return {row["_id"]: row["tasks"] for row in self._tasks.aggregate(stages, hint=index)}

    def _per_day(
        self, field: str, condition: Filter, midnights: Sequence[datetime], index: str
    ) -> Sequence[int]:
        """How many moments lie in each day.

        They are counted by the longest stretch of time that all the days are multiples of: a day,
        where no clocks change, and otherwise mostly an hour.
        """
        starts = [(midnight - midnights[0]) // _MILLISECOND for midnight in midnights]
        counts = [0] * (len(midnights) - 1)
        stretch = gcd(*starts)
        if not stretch:
            return counts
        place = {"$floor": {"$divide": [{"$subtract": [f"${field}", midnights[0]]}, stretch]}}
        within = {**condition, "$gte": midnights[0], "$lt": midnights[-1]}
        for stretches, tasks in self._grouped(place, {field: within}, index).items():
            counts[bisect_right(starts, stretches * stretch) - 1] += tasks
        return counts


def _finished(start: datetime, end: datetime) -> Filter:
    """Completed in that time, and started before; the type is the condition of the partial index."""
    return {"completed_at": {"$type": "date", "$gte": start, "$lt": end}, "started_at": {"$gte": _EVER}}
