"""Makes the bodies of messages to webhooks, in the form in which the API shows entries and entities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from taskmgr.domain.history.chain import json_value
from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions

MAX_BYTES = 20_000
_MIN_OMITTED = 200  # characters; leaving out a shorter text would save nothing
_ENTRY = (
    "id", "at", "by", "change_set", "entity", "entity_id", "kind", "before", "after", "reason", "override",
    "version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payloads:
    """Makes the body of the message about one entry of the feed."""

    store: Store
    policy: Policy

    def body(self, seq: int, change: Change, by: Actor) -> bytes:
        """Returns the body, less than 20 kB long, with what the actor may see of the entity at present.

        Long texts that do not fit are left out, and named in `left_out`.
        """
        data: dict[str, Any] = {"change": {name: json_value(getattr(change, name)) for name in _ENTRY}}
        if change.entity in _KINDS:
            data[change.entity] = self._entity(change, by)
        message = {"type": change.kind, "timestamp": format_instant(change.at), "seq": seq, "data": data}
        return encode(message)

    def _entity(self, change: Change, by: Actor) -> dict[str, Any] | None:
        """Returns the present state of the changed entity, or None if it does not exist any more."""
        kind = _KINDS[change.entity]
        try:
            entity = kind.read(self.store, change.entity_id)
        except NotFound:
            return None
        fields = {"id": entity.id, **kind.fields(entity, self.policy, by), "updated_at": entity.updated_at}
        return {name: json_value(value) for name, value in fields.items()} | {"version": entity.version}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an entity is read, and how its fields, as the log has them, become those of the API."""

    read: Callable[[Store, str], Any]
    fields: Callable[[Any, Policy, Actor], dict[str, Any]]


def _read_task(store: Store, task_id: str) -> Task:
    task = store.tasks.get_many([task_id], with_binned=True).get(task_id)
    if task is None:
        raise NotFound("task", task_id)
    return task


def _task_fields(task: Task, policy: Policy, _: Actor) -> dict[str, Any]:
    category = policy.workflow.category(task.status)
    return {**logged_fields(task), "category": None if category is None else category.value}


def _user_fields(user: User, _: Policy, by: Actor) -> dict[str, Any]:
    fields = logged_fields(permissions.as_seen_by(by, user))
    del fields["password_set_at"]
    return fields


def _project_fields(project: Project, _: Policy, __: Actor) -> dict[str, Any]:
    fields = logged_fields(project)
    fields["default"] = fields.pop("is_default")
    return fields


_KINDS: Mapping[str, _Kind] = {
    "task": _Kind(_read_task, _task_fields),
    "user": _Kind(lambda store, user_id: store.users.get(user_id), _user_fields),
    "comment": _Kind(
        lambda store, comment_id: store.comments.get(comment_id), lambda comment, *_: logged_fields(comment)
    ),
    "project": _Kind(lambda store, project_id: store.projects.get(project_id), _project_fields),
}


def encode(message: Mapping[str, Any]) -> bytes:
    """Returns a message as JSON, without its longest texts if it would be too long with them."""
    body = _json(message)
    left_out: list[str] = []
    while len(body) >= MAX_BYTES:
        size, path, parent, name = max(_texts(message["data"]), key=lambda text: text[0])
        if size < _MIN_OMITTED:
            raise ValueError(f"A message about {message['type']} has {len(body)} bytes.")
        del parent[name]
        left_out.append(path)
        body = _json({**message, "data": {**message["data"], "left_out": sorted(left_out)}})
    return body


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _texts(
    fields: MutableMapping[str, Any], path: str = ""
) -> Iterator[tuple[int, str, MutableMapping[str, Any], str]]:
    """Yields each text with its length, its path (`change.after.text`), and where to remove it."""
    for name, value in fields.items():
        if isinstance(value, str):
            yield len(value), f"{path}{name}", fields, name
        elif isinstance(value, dict):
            yield from _texts(value, f"{path}{name}.")
