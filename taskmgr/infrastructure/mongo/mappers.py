"""Converts entities to drafts of documents, and stored rows to entities.

Rows become entities directly, without a document in between (docs/decisions/0001); drafts are validated by
`writing`. Moments are stored in UTC. Those of a task or user may be naive in a row, because naive ones are
much faster to decode.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from bson import ObjectId

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.priority import PRIORITIES
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Links, Task, TaskName
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import Kind, Role, User
from taskmgr.domain.model.values import email_key
from taskmgr.domain.queries.search import title_key, words_of
from taskmgr.infrastructure.mongo.documents import (
    UNDATED,
    ChangeDocument,
    CommentDocument,
    Draft,
    ProjectDocument,
    TaskDocument,
    TokenDocument,
    UserDocument,
    draft_of,
)

Row = Mapping[str, Any]
_DAY_LENGTH = len("2026-12-01")


def object_id(key: str | None) -> ObjectId | None:
    """Returns the ObjectId of an id, or None for None."""
    return None if key is None else ObjectId(key)


def _id(key: ObjectId | None) -> str | None:
    return None if key is None else str(key)


# --- tasks


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


# --- users


def user_document(user: User) -> Draft:
    return draft_of(
        UserDocument,
        id=ObjectId(user.id),
        username=user.username,
        name=user.name,
        email=user.email,
        email_key=None if user.email is None else email_key(user.email),
        words=list(words_of(user.username, user.name)),
        role=user.role.value,
        kind=user.kind.value,
        active=user.active,
        created_at=user.created_at,
        updated_at=user.updated_at,
        version=user.version,
        password_set_at=user.password_set_at,
    )


def user(row: Row) -> User:
    return User(
        id=str(row["_id"]),
        username=row["username"],
        name=row["name"],
        email=row["email"],
        role=Role(row["role"]),
        kind=Kind(row["kind"]),
        active=row["active"],
        created_at=row["created_at"].replace(tzinfo=UTC),
        updated_at=row["updated_at"].replace(tzinfo=UTC),
        version=row["version"],
        password_set_at=_utc_or_none(row.get("password_set_at")),
    )


def _utc_or_none(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


# --- comments


def comment_document(comment: Comment) -> Draft:
    return draft_of(
        CommentDocument,
        id=ObjectId(comment.id),
        task_id=ObjectId(comment.task_id),
        author_id=comment.author_id,
        text=comment.text,
        words=list(words_of(comment.text)),
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        version=comment.version,
    )


def comment(row: Row) -> Comment:
    return Comment(
        id=str(row["_id"]),
        task_id=str(row["task_id"]),
        author_id=row["author_id"],
        text=row["text"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


# --- projects


def project_document(project: Project, last_number: int | None = None) -> Draft:
    """Returns the draft; without `last_number` it leaves the stored counter as it is."""
    return draft_of(
        ProjectDocument,
        id=ObjectId(project.id),
        key=project.key,
        name=project.name,
        description=project.description,
        is_default=project.is_default,
        archived_at=project.archived_at,
        created_by=project.created_by,
        created_at=project.created_at,
        updated_at=project.updated_at,
        version=project.version,
        last_number=last_number,
    )


def project(row: Row) -> Project:
    return Project(
        id=str(row["_id"]),
        key=row["key"],
        name=row["name"],
        description=row["description"],
        is_default=row["is_default"],
        archived_at=row["archived_at"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


# --- the log


def change_document(change: Change) -> Draft:
    return draft_of(
        ChangeDocument,
        id=ObjectId(change.id),
        at=change.at,
        by=change.by,
        change_set=change.change_set,
        entity=change.entity,
        entity_id=ObjectId(change.entity_id),
        kind=change.kind,
        before=dict(change.before),
        after=dict(change.after),
        reason=change.reason,
        override=change.override,
        version=change.version,
        projects=list(change.projects),
    )


def change(row: Row) -> Change:
    return Change(
        id=str(row["_id"]),
        at=row["at"],
        by=row["by"],
        change_set=row["change_set"],
        entity=row["entity"],
        entity_id=str(row["entity_id"]),
        kind=row["kind"],
        before=row["before"],
        after=row["after"],
        reason=row["reason"],
        override=row["override"],
        version=row["version"],
        projects=tuple(row.get("projects", ())),
    )


# --- tokens


def token_document(token: Token, secret_hash: bytes) -> Draft:
    return draft_of(
        TokenDocument,
        id=ObjectId(token.id),
        user_id=ObjectId(token.user_id),
        name=token.name,
        scopes=None if token.scopes is None else list(token.scopes),
        secret_hash=secret_hash,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def token(row: Row) -> Token:
    scopes = row["scopes"]
    return Token(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        name=row["name"],
        scopes=None if scopes is None else tuple(scopes),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
