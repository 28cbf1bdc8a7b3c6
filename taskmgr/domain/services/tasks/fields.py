"""Turns the values of a command into fields of a task, and checks that what they refer to exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.parsing import BadValue, Parser
from taskmgr.domain.model.place import Place
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.queries.validation import validated
from taskmgr.domain.services.project_filters import with_project_keys
from taskmgr.domain.services.tasks.facts import touch_early

ME = "me"  # as an assignee: the acting user
NO_ID = "0" * 24  # an id that nothing has


def parse_task_fields(
    store: Store, known: Mapping[str, Parser], raw: Mapping[str, Any], *, by: Actor
) -> dict[str, Any]:
    """Returns the fields as they are stored, by their parsers.

    A username or `me` becomes a user's id, a key a task's id. A project stays as it is given, by id or key.
    Raises `Invalid` with every mistake.
    """
    if raw.get("assignee_id") is not None:
        known = {**known, "assignee_id": lambda value: _user_id(store, value, by)}
    return _with_task_ids(store, parsing.parse_fields(raw, known))


def _with_task_ids(store: Store, fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields with ids in place of tasks' keys; a key that no task has stays as it is."""
    place: Place | None = fields.get("rank")
    anchor = None if place is None else place.anchor
    references = {*fields.get("blocked_by", ()), fields.get("parent_id"), anchor} - {None}
    ids = find_task_ids(store, references)
    if not ids:
        return fields
    found = dict(fields)
    if fields.get("parent_id") is not None:
        found["parent_id"] = ids.get(fields["parent_id"], fields["parent_id"])
    if "blocked_by" in fields:
        found["blocked_by"] = tuple(dict.fromkeys(ids.get(b, b) for b in fields["blocked_by"]))
    if place is not None and anchor is not None:
        found["rank"] = replace(place, anchor=ids.get(anchor, anchor))
    return found


def resolved(store: Store, query: TaskQuery, policy: Policy) -> TaskQuery:
    """Returns the query as it is stored: with the ids of tasks and the keys of projects.

    A key that no task has matches no task. Raises `Invalid` for mistakes and unknown projects.
    """
    return with_project_keys(store, _with_ids_of_tasks(store, validated(query, policy)))


def _with_ids_of_tasks(store: Store, query: TaskQuery) -> TaskQuery:
    references = (*(query.ids or ()), *(query.parent_ids or ()), *(query.blocked_by or ()), query.except_id)
    keys = {reference for reference in references if values.is_task_key(reference)}
    if not keys:
        return query
    ids = dict.fromkeys(keys, NO_ID) | dict(store.tasks.ids_by_key(keys))

    def resolve(items: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return items and tuple(dict.fromkeys(ids.get(item, item) for item in items))

    return replace(
        query,
        ids=resolve(query.ids),
        parent_ids=resolve(query.parent_ids),
        blocked_by=resolve(query.blocked_by),
        except_id=query.except_id and ids.get(query.except_id, query.except_id),
    )


def find_task_ids(store: Store, references: Iterable[str]) -> Mapping[str, str]:
    """Returns the keys of tasks that exist among these ids and keys, each with its task's id.

    A key leads to the same task for ever, so it makes no difference whether a command looks it up before or
    inside its transaction.
    """
    keys = {reference for reference in references if values.is_task_key(reference)}
    return store.tasks.ids_by_key(keys) if keys else {}


def find_task_id(store: Store, reference: str) -> str:
    """Returns the id of the task with this key, in any case; an id and an unknown key stay as they are."""
    if not values.is_task_key(reference):
        return reference
    key = reference.upper()
    return find_task_ids(store, [key]).get(key, reference)


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
    store: Store,
    fields: Mapping[str, Any],
    *,
    project: Project | None = None,
    task: Task | None = None,
    permitted: bool = False,
) -> Task | None:
    """Raises `Invalid` with every project, user and task that these fields refer to and that does not exist.

    Returns the task next to which a rank in the fields is, because the ranking needs it, too.
    `project` is the one that the fields name, if it exists. Relations that `task` already has are accepted
    even if the other task is gone. `permitted` says that the actor has the rights that the command needs.
    """
    new = list(_new_relations(fields, task))
    place: Place | None = fields.get("rank")
    anchor = None if place is None else place.anchor
    named = {*(task_id for _, task_id in new), anchor}
    tasks = store.tasks.get_many({task_id for task_id in named if values.is_identifier(task_id)})
    errors = [
        FieldError(location=location, code="unknown_task", detail=f"There is no task {task_id}.")
        for location, task_id in new
        if task_id not in tasks
    ]
    if place is not None and anchor is not None:
        present = None if task is None or "project" in fields else task.project
        errors += _mistakes_in(place, task, tasks.get(anchor), project.key if project else present)
    assignee_id = fields.get("assignee_id")
    if assignee_id not in (None, task.assignee_id if task else None):
        if permitted:
            touch_early(store, assignee_id)
        if not store.users.get_many([assignee_id]):
            detail = f"There is no user {assignee_id}."
            errors.insert(0, FieldError(location="assignee_id", code="unknown_user", detail=detail))
    if "project" in fields and project is None:
        detail = f"There is no project {fields['project']}."
        errors.insert(0, FieldError(location="project", code="unknown_project", detail=detail))
    if errors:
        raise Invalid(errors)
    return None if anchor is None else tasks[anchor]


def _mistakes_in(
    place: Place, task: Task | None, anchor: Task | None, project: str | None
) -> Iterator[FieldError]:
    """Yields a mistake if the place is not next to another task of the project; None: of any project."""
    location = f"rank.{place.side}"
    if anchor is None:
        detail = f"There is no task {place.anchor}."
        yield FieldError(location=location, code="unknown_task", detail=detail)
    elif task is not None and anchor.id == task.id:
        detail = "A task cannot be ranked next to itself: give another task."
        yield FieldError(location=location, code="not_allowed", detail=detail)
    elif project not in (None, anchor.project):
        # Names neither project: the caller may lack the scope to read.
        detail = "This task belongs to another project: give a task of the same project."
        yield FieldError(location=location, code="not_allowed", detail=detail)


def _new_relations(fields: Mapping[str, Any], task: Task | None) -> Iterator[tuple[str, str]]:
    """Yields the location and the id of each task that the fields refer to but `task` does not yet."""
    blockers = task.blocked_by if task else ()
    for position, blocker_id in enumerate(fields.get("blocked_by", ())):
        if blocker_id not in blockers:
            yield f"blocked_by.{position}", blocker_id
    parent_id = fields.get("parent_id")
    if parent_id not in (None, task.parent_id if task else None):
        yield "parent_id", parent_id
