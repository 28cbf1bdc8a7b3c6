"""A task: its fields, their parsers, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.place import parse_place
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority, parse_priority
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.workflow import Category, Workflow

_MAX_TITLE_IN_MESSAGES = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """The relations of a task: it waits for its blockers, and its parent waits for it."""

    id: str
    parent_id: str | None
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskName:
    """What messages call a task: its key and title. Without a key (in a dry run) the id takes its place."""

    id: str
    key: str | None
    title: str

    def __str__(self) -> str:
        title = self.title
        if len(title) > _MAX_TITLE_IN_MESSAGES:
            title = f"{title[: _MAX_TITLE_IN_MESSAGES - 1].rstrip()}…"
        return f"{self.key or self.id} ({title})"


@dataclass(kw_only=True, slots=True)
class Task:
    """A task. Ids are 24 hexadecimal digits; instants are in UTC, with milliseconds.

    `key` is what people call the task: the key of its `project` and a number, or None in a dry run that
    creates it. `former_keys` are those from before it was moved to another project. `rank` orders the tasks
    of a project by hand. `created_by` is an actor's id: a user's, or `system:…`. `unblocked` is not stored:
    it is set only in the result of a command that resolved the task, and holds the ids of the tasks that
    waited for nothing else.
    """

    id: str
    key: str | None
    project: str
    title: str
    description: str
    status: str
    priority: Priority
    due_date: DueDate | None
    assignee_id: str | None
    labels: tuple[str, ...]
    parent_id: str | None
    blocked_by: tuple[str, ...]
    rank: str
    former_keys: tuple[str, ...]
    created_by: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    status_changed_at: datetime
    reopen_count: int
    deleted_at: datetime | None
    version: int
    unblocked: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def is_binned(self) -> bool:
        return self.deleted_at is not None

    @property
    def number(self) -> int | None:
        """The number in the key."""
        return None if self.key is None else int(self.key.rpartition("-")[2])

    @property
    def name(self) -> TaskName:
        return TaskName(self.id, self.key, self.title)

    @property
    def links(self) -> Links:
        return Links(id=self.id, parent_id=self.parent_id, blocked_by=self.blocked_by)

    def is_overdue(self, *, now: datetime, workflow: Workflow) -> bool:
        """Returns whether the task is open and was due at `now` or before."""
        due = self.due_date is not None and self.due_date.at <= now
        return due and workflow.is_open(self.status)

    def moved(self, status: str, *, now: datetime, workflow: Workflow) -> Task:
        """Returns this task in another status, with the instants that depend on it, in the same version.

        `started_at` is the first start and never changes again. A reopening (from closed to open) is counted
        and clears `completed_at`. A move between two completed statuses keeps `completed_at`.
        """
        if status == self.status:
            return self
        before, after = workflow.category(self.status), workflow.category(status)
        reopened = workflow.is_closed(self.status) and workflow.is_open(status)
        started = self.started_at or (now if after is Category.STARTED else None)
        stays_completed = before is after is Category.COMPLETED
        completed = now if after is Category.COMPLETED else None
        return replace(
            self,
            status=status,
            status_changed_at=now,
            started_at=started,
            completed_at=self.completed_at if stays_completed else completed,
            reopen_count=self.reopen_count + reopened,
        )

    def changed(self, changes: Mapping[str, Any], *, now: datetime, workflow: Workflow) -> Task:
        """Returns this task with other values, in the same version. A status among them moves the task."""
        others = {name: value for name, value in changes.items() if name != "status"}
        moved = self.moved(changes.get("status", self.status), now=now, workflow=workflow)
        return replace(moved, **others) if others else moved

    def moved_to(self, key: NextKey) -> Task:
        """Returns this task as the last one of another project, in the same version.

        Its present key becomes a former one.
        """
        present = () if self.key is None else (self.key,)
        return replace(
            self,
            key=key.text,
            project=key.project.key,
            rank=key.rank,
            former_keys=(*present, *self.former_keys),
        )

    def next_version(self, *, now: datetime) -> Task:
        """Returns this task as its next version, changed at `now`."""
        return replace(self, updated_at=now, version=self.version + 1)


def new_task(
    task_id: str,
    fields: Mapping[str, Any],
    *,
    key: NextKey,
    by: str,
    now: datetime,
    policy: Policy,
) -> Task:
    """Returns a task in the workflow's initial status, with defaults for missing fields but the title."""
    return Task(
        id=task_id,
        key=key.text,
        project=key.project.key,
        title=fields["title"],
        description=fields.get("description", ""),
        status=policy.workflow.initial,
        priority=fields.get("priority", Priority.MEDIUM),
        due_date=fields.get("due_date"),
        assignee_id=fields.get("assignee_id"),
        labels=fields.get("labels", ()),
        parent_id=fields.get("parent_id"),
        blocked_by=fields.get("blocked_by", ()),
        rank=key.rank,
        former_keys=(),
        created_by=by,
        created_at=now,
        updated_at=now,
        started_at=None,
        completed_at=None,
        status_changed_at=now,
        reopen_count=0,
        deleted_at=None,
        version=1,
    )


def parsers(policy: Policy) -> Mapping[str, Callable[[Any], Any]]:
    """Returns the parser of each field that a new task can have; None empties a field that can be empty.

    Relations are parsed to ids and keys of tasks; `services/tasks/fields.py` replaces the keys by ids.
    """
    return {
        "project": parsing.not_null(values.project_reference),
        "title": parsing.not_null(values.title),
        "description": parsing.null_as(values.description, ""),
        "status": parsing.not_null(policy.workflow.parse),
        "priority": parsing.not_null(parse_priority),
        "due_date": parsing.optional(lambda value: DueDate.parse(value, policy.time_zone)),
        "assignee_id": parsing.optional(values.identifier),
        "labels": parsing.null_as(values.labels, ()),
        "parent_id": parsing.optional(values.task_reference),
        "blocked_by": parsing.null_as(values.blockers, ()),
    }


def change_parsers(policy: Policy) -> Mapping[str, Callable[[Any], Any]]:
    """Returns the parser of each field that can be changed, including the place in the order by hand."""
    return {**parsers(policy), "rank": parsing.not_null(parse_place)}
