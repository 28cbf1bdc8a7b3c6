"""`TaskRepository` on the collection `tasks`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.model.errors import KeyTaken, NotFound
from taskmgr.domain.model.task import Links, Task, TaskName
from taskmgr.domain.model.values import is_identifier, is_task_key
from taskmgr.domain.model.workflow import Workflow
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.tasks import UNREAD
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.commented_tasks import find_commented, snapshot_commented
from taskmgr.infrastructure.mongo.reads.keyset import Filter, Selection
from taskmgr.infrastructure.mongo.reads.snapshots import find
from taskmgr.infrastructure.mongo.reads.task_filters import (
    any_id,
    blocked_stages,
    match_stages,
    task_filter,
    task_order,
)
from taskmgr.infrastructure.mongo.reads.task_records import MongoTaskRecord, TaskRecordCache, undecoded
from taskmgr.infrastructure.mongo.transaction import current_transaction
from taskmgr.infrastructure.mongo.writing import flush, insert_gathered, replace, replace_fields, touch

_NAME_FIELDS = {"key": True, "title": True}
NEIGHBOURS_INDEX = "project_rank"
# The empty pipeline keeps the lookup in the classic query engine. The newer one has returned a row without
# `its_project`, and needs more CPU time to plan such a small lookup (docs/decisions/0029).
_LOOKUP = {"from": "projects", "localField": "project", "foreignField": "key", "pipeline": []}
_WITH_PROJECT = {"$lookup": {**_LOOKUP, "as": "its_project"}}
_WITHOUT_UNREAD = dict.fromkeys(UNREAD, False)


def build_selection(
    query: TaskQuery, context: QueryContext | None = None, commented: Collection[ObjectId] = ()
) -> Selection:
    """Returns what a query selects from the collection; `commented` as for `task_filter`."""
    return Selection(
        filter=task_filter(query, context, commented),
        order=task_order(query.order),
        score_stages=match_stages(query),
        filter_stages=blocked_stages(query, context),
        excluded_fields=UNREAD,
    )


def neighbours_find(
    project: str, task: Task | None, *, forward: bool, binned: bool
) -> tuple[Filter, list[tuple[str, int]]]:
    """Returns the filter and the order of the tasks after a task by hand, or without `forward` before it."""
    way = 1 if forward else -1
    order = [("rank", way), ("_id", way)]
    after = None if task is None else Position((task.rank,), task.id)
    return keyset.filter_after({"binned": binned, "project": project}, order, after), order


def _selector(reference: str) -> Filter | None:
    """Returns the condition for the task of this id or key; None if the text is neither."""
    if is_identifier(reference):
        return {"_id": ObjectId(reference)}
    return {"keys": reference.upper()} if is_task_key(reference) else None


@raises_domain_errors
class MongoTaskRepository:
    def __init__(self, database: Database[Any], records: TaskRecordCache) -> None:
        self._records = records
        self._stored = database.get_collection("tasks", codec_options=records.options)
        self._comments = database["comments"]

    @cached_property
    def _undecoded(self) -> MongoCollection[RawBSONDocument]:
        return undecoded(self._stored)

    @property
    def _tasks(self) -> MongoCollection[Any]:
        """Returns the collection, after inserting its pending documents."""
        flush(self._stored)
        return self._stored

    def _select(self, query: TaskQuery, context: QueryContext | None) -> Selection:
        return build_selection(query, context, find_commented(self._comments, query.words))

    def get(self, reference: str, *, binned: bool = False) -> Task:
        selector = _selector(reference)
        if selector is not None:
            row = self._find_one({**selector, "binned": binned})
            if row is not None:
                return mappers.task(row)
        raise NotFound("task", reference)

    def _find_one(self, filters: Filter) -> Mapping[str, Any] | None:
        """Returns the row of a task. In a command, the first one is read together with its project.

        The rules need the project of every task that changes, and this saves a round trip; a project that is
        not in the row is read when the rules ask for it.
        """
        transaction = current_transaction()
        if transaction is None or transaction.projects:
            row: Mapping[str, Any] | None = self._tasks.find_one(filters)
            return row
        row = next(self._tasks.aggregate([{"$match": filters}, _WITH_PROJECT]), None)
        projects = map(mappers.project, row.get("its_project", ()) if row else ())
        transaction.projects.update((project.key, project) for project in projects)
        return row

    def get_record(self, reference: str, workflow: Workflow) -> TaskRecord:
        selector = _selector(reference)
        if selector is not None:
            filters = {**selector, "binned": False}
            for row in find(self._stored, filters, projection=_WITHOUT_UNREAD, limit=1).rows:
                return MongoTaskRecord.of(row, workflow.category_names)
        raise NotFound("task", reference)

    def ids_by_key(self, keys: Collection[str]) -> Mapping[str, str]:
        wanted = list(keys)
        rows = self._tasks.find({"keys": {"$in": wanted}}, {"keys": True}) if wanted else ()
        return {key: str(row["_id"]) for row in rows for key in row["keys"] if key in keys}

    def get_many(self, task_ids: Collection[str], *, with_binned: bool = False) -> Mapping[str, Task]:
        if not task_ids:
            return {}
        place = {} if with_binned else {"binned": False}
        rows = self._tasks.find({"_id": any_id(task_ids), **place})
        return {task.id: task for task in map(mappers.task, rows)}

    def find(
        self, query: TaskQuery, page_request: PageRequest, context: QueryContext | None = None
    ) -> Page[Task]:
        return keyset.select(self._tasks, self._select(query, context), page_request, mappers.task)

    def find_records(
        self, query: TaskQuery, page_request: PageRequest, context: QueryContext
    ) -> Page[TaskRecord]:
        commented = snapshot_commented(self._comments, query.words)
        selection, limit = build_selection(query, context, commented.rows), page_request.limit
        snapshot = keyset.snapshot(
            self._undecoded, selection, after=page_request.after, limit=limit + 1, at=commented.at
        )
        # A score is part of the bytes, so other searches could not use a cached record.
        keep = not selection.score_stages
        return Page(
            items=self._records.of(snapshot.rows[:limit], context.policy.workflow, keep=keep),
            next=keyset.next_position(snapshot.rows, selection.order, limit),
            total=keyset.count(self._stored, selection) if page_request.with_total else None,
            as_of=snapshot.as_of,
        )

    def count(self, query: TaskQuery, context: QueryContext | None = None) -> int:
        return keyset.count(self._tasks, self._select(query, context))

    def find_ids(
        self, query: TaskQuery, context: QueryContext | None = None, *, limit: int
    ) -> tuple[str, ...]:
        selection = self._select(query, context)
        rows = keyset.rows(self._tasks, selection, after=None, limit=limit, projection={"_id": True})
        return tuple(str(row["_id"]) for row in rows)

    def find_names(self, query: TaskQuery, *, limit: int) -> tuple[TaskName, ...]:
        rows = keyset.rows(
            self._tasks, self._select(query, None), after=None, limit=limit, projection=_NAME_FIELDS
        )
        return tuple(map(mappers.task_name, rows))

    def names(self, task_ids: Collection[str]) -> Mapping[str, TaskName]:
        rows = self._tasks.find({"_id": any_id(task_ids)}, _NAME_FIELDS) if task_ids else ()
        return {name.id: name for name in map(mappers.task_name, rows)}

    def links(self, task_ids: Collection[str], *, down: bool) -> Sequence[Links]:
        ids = any_id(task_ids)
        related = {"parent_id": ids} if down else {"blocked_by": ids}
        filters = {"$or": [{"_id": ids}, related], "binned": False}
        rows = self._tasks.find(filters, {"parent_id": True, "blocked_by": True})
        return [mappers.links(row) for row in rows]

    def parents_of_subtasks(self, parent_ids: Collection[str]) -> Mapping[str, str]:
        rows = self._tasks.find({"parent_id": any_id(parent_ids), "binned": False}, {"parent_id": True})
        return {str(row["_id"]): str(row["parent_id"]) for row in rows}

    def waiting_for(self, task_ids: Collection[str], statuses: Collection[str]) -> Sequence[Task]:
        filters = {"blocked_by": any_id(task_ids), "binned": False, "status": {"$in": list(statuses)}}
        return [mappers.task(row) for row in self._tasks.find(filters).sort("_id", 1)]

    def neighbours(
        self, project: str, task: Task | None, *, forward: bool, binned: bool, limit: int
    ) -> Sequence[Task]:
        filters, order = neighbours_find(project, task, forward=forward, binned=binned)
        rows = self._tasks.find(filters).sort(order).limit(limit).hint(NEIGHBOURS_INDEX)
        return [mappers.task(row) for row in rows]

    def add(self, task: Task) -> None:
        insert_gathered(self._stored, mappers.task_document(task))

    def replace(self, task: Task) -> None:
        try:
            replace(self._tasks, mappers.task_document(task))
        except DuplicateKeyError as error:
            raise KeyTaken from error

    def replace_ranks(self, tasks: Sequence[Task]) -> None:
        drafts = [mappers.task_document(task) for task in tasks]
        replace_fields(self._tasks, drafts, ("rank", "updated_at", "version"))

    def touch(self, task_ids: Collection[str]) -> None:
        touch(self._tasks, [ObjectId(task_id) for task_id in task_ids])
