"""`TaskRepository` on the collection `tasks`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database

from taskmgr.domain.errors import NotFound
from taskmgr.domain.query import Page, Sort, TaskQuery, Window
from taskmgr.domain.task import Task
from taskmgr.domain.values import is_identifier
from taskmgr.infrastructure import mappers
from taskmgr.infrastructure.driver_errors import translates
from taskmgr.infrastructure.repositories import keyset
from taskmgr.infrastructure.repositories.gathering import flush, insert
from taskmgr.infrastructure.repositories.keyset import Filter
from taskmgr.infrastructure.repositories.writing import replace, stored, touch

# Under which name a sort key is stored in a form that orders rightly.
_SORT_FIELDS = {"due_date": "due_at", "priority": "priority_rank", "title": "title_key"}


def _any_id(ids: Collection[str | None]) -> Filter:
    return {"$in": [mappers.object_id(key) for key in ids]}


# What each filter of a TaskQuery asks of the stored form.
_FILTERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "ids": ("_id", _any_id),
    "statuses": ("status", lambda names: {"$in": list(names)}),
    "priorities": ("priority_rank", lambda found: {"$in": [p.rank for p in found]}),
    "assignee_ids": ("assignee_id", _any_id),
    "parent_ids": ("parent_id", _any_id),
    "blocked_by": ("blocked_by", _any_id),
}


def filters(query: TaskQuery) -> Filter:
    """The stored form's filter for a query; one key a filter, so that all of them hold."""
    found: Filter = {"binned": query.binned}
    for name, (field, condition) in _FILTERS.items():
        value = getattr(query, name)
        if value is not None:
            found[field] = condition(value)
    if query.labels:
        found["labels"] = {"$all": list(query.labels)}
    if query.except_id is not None:
        found["_id"] = {**found.get("_id", {}), "$ne": ObjectId(query.except_id)}
    return found


def order(sorts: Collection[Sort]) -> list[tuple[str, int]]:
    """The stored form's order for sort keys; the id follows in the direction of the last."""
    keys = [(_SORT_FIELDS.get(s.key, s.key), -1 if s.descending else 1) for s in sorts]
    return [*keys, ("_id", keys[-1][1])]


@translates
class MongoTaskRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._stored = database["tasks"]

    @property
    def _tasks(self) -> MongoCollection[Any]:
        """The collection, with all that waits to be stored in it."""
        flush(self._stored)
        return self._stored

    def get(self, task_id: str, *, binned: bool = False) -> Task:
        if is_identifier(task_id):
            row = self._tasks.find_one({"_id": ObjectId(task_id), "binned": binned})
            if row is not None:
                return mappers.task(row)
        raise NotFound("task", task_id)

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, Task]:
        if not task_ids:
            return {}
        rows = self._tasks.find({"_id": _any_id(task_ids), "binned": False})
        return {task.id: task for task in map(mappers.task, rows)}

    def find(self, query: TaskQuery, window: Window) -> Page[Task]:
        return keyset.page(self._tasks, filters(query), order(query.sort), window, mappers.task)

    def count(self, query: TaskQuery) -> int:
        return self._tasks.count_documents(filters(query))

    def find_ids(self, query: TaskQuery, *, limit: int) -> tuple[str, ...]:
        rows = self._tasks.find(filters(query), {"_id": True}).sort(order(query.sort)).limit(limit)
        return tuple(str(row["_id"]) for row in rows)

    def parents_of_subtasks(self, parent_ids: Collection[str]) -> Mapping[str, str]:
        rows = self._tasks.find({"parent_id": _any_id(parent_ids), "binned": False}, {"parent_id": True})
        return {str(row["_id"]): str(row["parent_id"]) for row in rows}

    def waiting_for(self, task_ids: Collection[str], statuses: Collection[str]) -> Sequence[Task]:
        wanted = {"blocked_by": _any_id(task_ids), "binned": False, "status": {"$in": list(statuses)}}
        return [mappers.task(row) for row in self._tasks.find(wanted).sort("_id", 1)]

    def add(self, task: Task) -> None:
        insert(self._stored, stored(mappers.task_document(task)))

    def replace(self, task: Task) -> None:
        replace(self._tasks, mappers.task_document(task))

    def touch(self, task_ids: Collection[str]) -> None:
        touch(self._tasks, [ObjectId(task_id) for task_id in task_ids])
