"""Builds the aggregation that reads a page of users with their tasks and counts.

Counts are looked up once for the whole page, because planning a query costs the server more than
reading one user's few index entries. Only the tasks are looked up for each user, because the limit is
per user.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

from bson import ObjectId

from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.workflow import OPEN, Category
from taskmgr.domain.queries.task_query import QueryContext
from taskmgr.domain.queries.user_query import TaskCounts, UserWithTasks
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.tasks import HAS_BLOCKERS, UNREAD

T = TypeVar("T")

Stages = list[dict[str, Any]]
Row = Mapping[str, Any]

_SOONEST: Stages = [{"$sort": {"due_at": 1, "_id": 1}}]
_TASKS = {"from": "tasks", "localField": "user._id", "foreignField": "assignee_id"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """Reads the users of a page, each with at most `tasks_limit` tasks, of some projects or of all."""

    limit: int
    tasks_limit: int
    context: QueryContext
    projects: Collection[str] | None = None

    def stages(self) -> Stages:
        """Returns the stages that follow the selection of the users, which must be up to `limit` + 1.

        Each resulting row is a user; the first row also has the counts of all users in `page`.
        """
        return [
            {"$group": {"_id": None, "user": {"$push": "$$ROOT"}}},
            {
                "$set": {
                    "page": {"more": {"$gt": [{"$size": "$user"}, self.limit]}},
                    "user": {"$slice": ["$user", self.limit]},
                }
            },
            *self._count_lookups(),
            {"$unwind": {"path": "$user", "includeArrayIndex": "place"}},
            {"$set": {"page": {"$cond": [{"$eq": ["$place", 0]}, "$page", "$$REMOVE"]}}},
            *(self._task_lookup() if self.tasks_limit else ()),
        ]

    def _count_lookups(self) -> Iterator[dict[str, Any]]:
        """Yields the lookups of counts by status, open tasks with blockers, and unresolved blockers.

        The counts are read from the index `assignee_due` alone, the tasks with blockers from the partial
        index `assignee_waiting`. Tasks of other projects are read, too, for `started_total`.
        """
        counted = [{"$in": ["$project", list(self.projects)]}] if self.projects is not None else []
        by_status = {
            "_id": {"user": "$assignee_id", "status": "$status"},
            "all_tasks": {"$sum": 1},
            "tasks": _count_if(*counted),
            "overdue": _count_if(*counted, {"$lte": ["$due_at", self.context.now]}),
            "urgent": _count_if(*counted, {"$eq": ["$priority_rank", Priority.URGENT.rank]}),
        }
        yield _lookup("page.counts", [{"$match": {"binned": False}}, {"$group": by_status}])
        shown: Stages = [{"$project": {"_id": False, "assignee_id": True, "blocked_by": True}}]
        waiting = {**self._in(*OPEN), **self._in_projects, **HAS_BLOCKERS}
        yield _lookup("page.waiting", [{"$match": waiting}, *shown])
        # Written as an expression that no index supports, so that the planner uses the index of the ids.
        not_binned = {"$expr": {"$not": ["$binned"]}}
        done = self._statuses(Category.COMPLETED)
        yield _lookup(
            "page.unresolved",
            [{"$match": {**not_binned, "status": {"$nin": done}}}, {"$project": {"_id": True}}],
            localField="page.waiting.blocked_by",
            foreignField="_id",
        )

    def _task_lookup(self) -> Iterator[dict[str, Any]]:
        """Yields the lookup of the open tasks, then of others, which are read only below the limit."""
        first: Stages = [*_SOONEST, {"$limit": self.tasks_limit}]
        of_the_user = {"$expr": {"$eq": ["$assignee_id", "$$user"]}}
        others = {"binned": False, "status": {"$nin": self._statuses(*OPEN)}, **self._in_projects}
        closed = [{"$match": {**of_the_user, **others}}, *first]
        yield _lookup(
            "tasks",
            [
                {"$match": {**self._in(*OPEN), **self._in_projects}},
                *first,
                {"$unionWith": {"coll": "tasks", "pipeline": closed}},
                {"$limit": self.tasks_limit},
                {"$project": dict.fromkeys(UNREAD, False)},
            ],
            let={"user": "$user._id"},
        )

    @property
    def _in_projects(self) -> dict[str, Any]:
        return {} if self.projects is None else {"project": {"$in": list(self.projects)}}

    def _in(self, *categories: Category) -> dict[str, Any]:
        return {"binned": False, "status": {"$in": self._statuses(*categories)}}

    def _statuses(self, *categories: Category) -> list[str]:
        return list(self.context.policy.workflow.in_category(*categories))

    def users(
        self, rows: Sequence[Row], convert: Callable[[Sequence[Any]], Sequence[T]]
    ) -> list[UserWithTasks[T]]:
        """Returns the users of the rows with their counts and their tasks, converted by `convert`."""
        if not rows:
            return []
        by_user: defaultdict[ObjectId, list[Row]] = defaultdict(list)
        page = rows[0]["page"]
        for count in page["counts"]:
            by_user[count["_id"]["user"]].append(count)
        blocked = _count_blocked(page)
        open_, started = set(self._statuses(*OPEN)), set(self._statuses(Category.STARTED))
        return [
            UserWithTasks(
                user=mappers.user(row["user"]),
                tasks=convert(row.get("tasks", ())),
                tasks_total=sum(count["tasks"] for count in by_user[row["user"]["_id"]]),
                counts=_counts(by_user[row["user"]["_id"]], blocked[row["user"]["_id"]], open_, started),
                started_total=sum(
                    count["all_tasks"]
                    for count in by_user[row["user"]["_id"]]
                    if count["_id"]["status"] in started
                ),
            )
            for row in rows
        ]


def _counts(by_status: Sequence[Row], blocked: int, open_: Set[str], started: Set[str]) -> TaskCounts:
    """Returns one user's counts. A status that the policy lacks is neither open nor started."""
    of_open = [row for row in by_status if row["_id"]["status"] in open_]
    return TaskCounts(
        open=sum(row["tasks"] for row in of_open),
        overdue=sum(row["overdue"] for row in of_open),
        blocked=blocked,
        started=sum(row["tasks"] for row in of_open if row["_id"]["status"] in started),
        urgent=sum(row["urgent"] for row in of_open),
    )


def _lookup(name: str, pipeline: Stages, **options: Any) -> dict[str, Any]:
    return {"$lookup": {**_TASKS, "pipeline": pipeline, "as": name, **options}}


def _count_if(*conditions: Mapping[str, Any]) -> dict[str, Any]:
    return {"$sum": {"$cond": [{"$and": list(conditions)}, 1, 0]}}


def _count_blocked(page: Row) -> Counter[ObjectId]:
    """Returns the number of open tasks with an unresolved blocker, by user."""
    unresolved = {row["_id"] for row in page["unresolved"]}
    return Counter(
        row["assignee_id"] for row in page["waiting"] if not unresolved.isdisjoint(row["blocked_by"])
    )
