"""The difference between two states of an entity, as the log records it."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any

from taskmgr.domain.model.account import Account
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import User
from taskmgr.domain.model.view import View
from taskmgr.domain.model.webhook import Webhook

# An entry has an entity_id, a version and a time of its own; `unblocked` is only part of a command's result;
# `former_keys` repeat earlier values of `key`; using a token or a session does not change it.
_NOT_LOGGED = frozenset({"id", "version", "updated_at", "unblocked", "former_keys", "last_used_at"})

Entity = Task | User | Comment | Token | Session | Link | Account | Project | Webhook | View


def logged_fields(entity: Entity) -> dict[str, Any]:
    """Returns the fields of an entity as the log holds them: JSON's types, but instants as `datetime`."""
    return {
        name: _plain(getattr(entity, name))
        for name in (field.name for field in fields(entity))
        if name not in _NOT_LOGGED
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
    """Returns the fields that differ between two states, as (before, after).

    For a new entity, whose `before` is None, these are ({}, all its fields).
    """
    new = logged_fields(after)
    if before is None:
        return {}, new
    old = logged_fields(before)
    changed = [name for name in new if new[name] != old[name]]
    return {name: old[name] for name in changed}, {name: new[name] for name in changed}
