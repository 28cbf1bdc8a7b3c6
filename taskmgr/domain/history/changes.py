"""The log of what happened: one change an entry, and what a change of an entity consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any

from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User

# Not part of a difference: `id` is the entry's entity_id, `version` and `updated_at` are the
# entry's own version and time, and `unblocked` belongs to an answer.
_APART = frozenset({"id", "version", "updated_at", "unblocked"})


@dataclass(kw_only=True, slots=True)
class Change:
    """One entry of the log, written in the transaction of the change itself.

    `change_set` is shared by all changes of one request or script call; `before` and `after` hold
    only the fields that changed, as JSON has them (moments stay moments); `version` is the
    entity's after the change, so that for every entity the entries' versions run 1, 2, 3, …
    """

    id: str
    at: datetime
    by: str
    change_set: str
    entity: str
    entity_id: str
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str | None
    override: bool
    version: int


Entity = Task | User | Comment


def logged_fields(entity: Entity) -> dict[str, Any]:
    """The fields of an entity that its log tells of, in the log's form."""
    return {
        name: _plain(getattr(entity, name))
        for name in (field.name for field in fields(entity))
        if name not in _APART
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, DueDate):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def difference(before: Entity | None, after: Entity) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed between two states, as (before, after); everything where there was none before."""
    new = logged_fields(after)
    if before is None:
        return {}, new
    old = logged_fields(before)
    changed = [name for name in new if new[name] != old[name]]
    return {name: old[name] for name in changed}, {name: new[name] for name in changed}


def replayed(entries: list[Change]) -> dict[str, Any]:
    """The state that a log tells of, from nothing: the last word on every field."""
    state: dict[str, Any] = {}
    for entry in sorted(entries, key=lambda entry: entry.version):
        state |= entry.after
        state |= {"id": entry.entity_id, "version": entry.version, "updated_at": entry.at}
    return state


# What a change of a task is called, by the fields that it changed; anything else is task.changed.
# `status` brings its moments along.
_WITH_STATUS = frozenset({"status_changed_at", "started_at", "completed_at", "reopen_count"})
_TASK_KINDS: Mapping[frozenset[str], str] = {
    frozenset({"status"}): "task.status_changed",
    frozenset({"priority"}): "task.priority_changed",
    frozenset({"assignee_id"}): "task.assigned",
    frozenset({"due_date"}): "task.due_date_changed",
    frozenset({"parent_id"}): "task.parent_changed",
    frozenset({"blocked_by"}): "task.blockers_changed",
    frozenset({"title"}): "task.edited",
    frozenset({"description"}): "task.edited",
    frozenset({"title", "description"}): "task.edited",
    frozenset({"labels"}): "task.labelled",
}
TASK_KINDS = (
    "task.created",
    *dict.fromkeys(_TASK_KINDS.values()),
    "task.changed",
    "task.binned",
    "task.restored",
)
USER_KINDS = ("user.created", "user.changed")
COMMENT_KINDS = ("comment.created", "comment.changed", "comment.deleted")
KINDS = (*TASK_KINDS, *USER_KINDS, *COMMENT_KINDS)
ENTITIES = ("task", "user", "comment")


def kind_of_task_change(after: Mapping[str, Any]) -> str:
    """The kind of an entry whose `after` has these fields."""
    return _TASK_KINDS.get(frozenset(after) - _WITH_STATUS, "task.changed")
