"""Converts tasks, their relations and their records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from bson import ObjectId

from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.priority import PRIORITIES
from taskmgr.domain.model.task import Links, Task, TaskName
from taskmgr.domain.queries.search import title_key, words_of
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED, TaskDocument
from taskmgr.infrastructure.mongo.mappers.rows import Row, object_id

_DAY_LENGTH = len("2026-12-01")


def links(row: Row) -> Links:
    """Returns the relations of a task; the row may lack all other fields."""
    parent_id = row["parent_id"]
    return Links(
        id=str(row["_id"]),
        parent_id=None if parent_id is None else str(parent_id),
        blocked_by=tuple(map(str, row["blocked_by"])),
    )


def task_name(row: Row) -> TaskName:
    """Returns the name of a task; the row may lack all other fields."""
    return TaskName(str(row["_id"]), row["key"], row["title"])


def task_document(task: Task) -> Draft:
    due = task.due_date
    return draft_of(
        TaskDocument,
        id=ObjectId(task.id),
        project=task.project,
        number=task.number,
        key=task.key,
        keys=None if task.key is None else [task.key, *task.former_keys],
        title=task.title,
        title_key=title_key(task.title),
        title_words=list(words_of(task.title)),
        label_words=list(words_of(*task.labels)),
        words=list(words_of(task.title, task.description, *task.labels)),
        description=task.description,
        status=task.status,
        priority=task.priority.value,
        priority_rank=task.priority.rank,
        due_date=None if due is None else str(due),
        due_at=UNDATED if due is None else due.at,
        assignee_id=object_id(task.assignee_id),
        labels=list(task.labels),
        parent_id=object_id(task.parent_id),
        blocked_by=[ObjectId(blocker) for blocker in task.blocked_by],
        rank=task.rank,
        created_by=task.created_by,
        created_at=task.created_at,
        updated_at=task.updated_at,
        started_at=task.started_at,
        completed_at=task.completed_at,
        status_changed_at=task.status_changed_at,
        reopen_count=task.reopen_count,
        binned=task.deleted_at is not None,
        deleted_at=task.deleted_at,
        version=task.version,
    )


def task(row: Row) -> Task:
    due_date, due_at = row["due_date"], row["due_at"]
    assignee, parent, blockers = row["assignee_id"], row["parent_id"], row["blocked_by"]
    started, completed, deleted = row["started_at"], row["completed_at"], row["deleted_at"]
    return Task(
        id=str(row["_id"]),
        key=row["key"],
        project=row["project"],
        title=row["title"],
        description=row["description"],
        status=row["status"],
        priority=PRIORITIES[row["priority_rank"]],
        due_date=None if due_date is None else _due_date(due_date, due_at.replace(tzinfo=UTC)),
        assignee_id=None if assignee is None else str(assignee),
        labels=tuple(row["labels"]),
        parent_id=None if parent is None else str(parent),
        blocked_by=tuple(map(str, blockers)) if blockers else (),
        rank=row["rank"],
        former_keys=tuple(row.get("keys", ())[1:]),
        created_by=row["created_by"],
        created_at=row["created_at"].replace(tzinfo=UTC),
        updated_at=row["updated_at"].replace(tzinfo=UTC),
        started_at=None if started is None else started.replace(tzinfo=UTC),
        completed_at=None if completed is None else completed.replace(tzinfo=UTC),
        status_changed_at=row["status_changed_at"].replace(tzinfo=UTC),
        reopen_count=row["reopen_count"],
        deleted_at=None if deleted is None else deleted.replace(tzinfo=UTC),
        version=row["version"],
    )


def task_record_fields(row: Row, categories: Mapping[str, str]) -> dict[str, Any]:
    """Returns the fields of a task's record.

    The row must have naive moments. `categories` are by status; a status that is not among them has
    null for its category.
    """
    status, assignee, parent = row["status"], row["assignee_id"], row["parent_id"]
    started, completed, deleted = row["started_at"], row["completed_at"], row["deleted_at"]
    return {
        "id": str(row["_id"]),
        "key": row["key"],
        "project": row["project"],
        "title": row["title"],
        "description": row["description"],
        "status": status,
        "category": categories.get(status),
        "priority": row["priority"],
        "due_date": row["due_date"],
        "assignee_id": None if assignee is None else str(assignee),
        "labels": row["labels"],
        "parent_id": None if parent is None else str(parent),
        "blocked_by": [str(blocker) for blocker in row["blocked_by"]],
        "rank": row["rank"],
        "created_by": row["created_by"],
        "created_at": format_instant(row["created_at"]),
        "updated_at": format_instant(row["updated_at"]),
        "started_at": None if started is None else format_instant(started),
        "completed_at": None if completed is None else format_instant(completed),
        "status_changed_at": format_instant(row["status_changed_at"]),
        "reopen_count": row["reopen_count"],
        "deleted_at": None if deleted is None else format_instant(deleted),
        "version": row["version"],
    }


def _due_date(text: str, at: datetime) -> DueDate:
    return DueDate(at, date.fromisoformat(text) if len(text) == _DAY_LENGTH else None)
