"""Turns the values of a command into fields of a task, and checks that what they refer to exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task, parsers
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services.tasks.facts import touch_early

ME = "me"  # as an assignee: the acting user


def parse_task_fields(store: Store, policy: Policy, raw: Mapping[str, Any], *, by: Actor) -> dict[str, Any]:
    """Returns the fields as they are stored. An assignee given by username or as `me` becomes an id.

    Raises `Invalid` with every mistake.
    """
    known = parsers(policy)
    if raw.get("assignee_id") is not None:
        known = {**known, "assignee_id": lambda value: _user_id(store, value, by)}
    return parsing.parse_fields(raw, known)


def _user_id(store: Store, value: object, by: Actor) -> str:
    """Returns the id of the user whom an id, a username or `me` stands for. An id is not looked up."""
    key = values.user_key(value)
    if key == ME:
        return _own_id(by)
    if values.is_identifier(key):
        return key
    user_ids = store.users.ids_by_username([key])
    if key not in user_ids:
        raise BadValue("unknown_user", f"There is no user {key}.")
    return user_ids[key]


def _own_id(by: Actor) -> str:
    user_id = require_actor(by).user_id
    if user_id is None:
        detail = f"`{ME}` means the acting user, but {by.id} is not a user: give a user's id."
        raise BadValue("not_allowed", detail)
    return user_id


def require_existing(
    store: Store, fields: Mapping[str, Any], *, task: Task | None = None, permitted: bool = False
) -> None:
    """Raises `Invalid` with every user and task that these fields refer to and that does not exist.

    Relations that `task` already has are accepted even if the other task is gone. `permitted` says that
    the actor has the rights that the command needs.
    """
    new = list(_new_relations(fields, task))
    tasks = store.tasks.get_many({task_id for _, task_id in new})
    errors = [
        FieldError(location=location, code="unknown_task", detail=f"There is no task {task_id}.")
        for location, task_id in new
        if task_id not in tasks
    ]
    assignee_id = fields.get("assignee_id")
    if assignee_id not in (None, task.assignee_id if task else None):
        if permitted:
            touch_early(store, assignee_id)
        if not store.users.get_many([assignee_id]):
            detail = f"There is no user {assignee_id}."
            errors.insert(0, FieldError(location="assignee_id", code="unknown_user", detail=detail))
    if errors:
        raise Invalid(errors)


def _new_relations(fields: Mapping[str, Any], task: Task | None) -> Iterator[tuple[str, str]]:
    """Yields the location and the id of each task that the fields refer to but `task` does not yet."""
    blockers = task.blocked_by if task else ()
    for position, blocker_id in enumerate(fields.get("blocked_by", ())):
        if blocker_id not in blockers:
            yield f"blocked_by.{position}", blocker_id
    parent_id = fields.get("parent_id")
    if parent_id not in (None, task.parent_id if task else None):
        yield "parent_id", parent_id
