"""Describes the bodies of requests that create or change a task."""

from __future__ import annotations

from typing import Any

from taskmgr.api.request_state import identity
from taskmgr.api.runtime import policy
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    Input,
    ParsedBoolean,
    ParsedInteger,
    ParsedList,
    ParsedObject,
    ParsedText,
)
from taskmgr.domain.model import values
from taskmgr.domain.model.place import parse_place, true
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import parsers

_PRIORITIES = [priority.value for priority in Priority]


def _task_value(name: str) -> Any:
    """Returns the parser of a task's field, which depends on the policy in force."""
    return lambda value: parsers(policy())[name](value)


def title(**options: Any) -> ParsedText:
    return ParsedText(values.title, metadata=patterns.line(values.MAX_TITLE_LENGTH), **options)


def project(text: str, **options: Any) -> ParsedText:
    metadata = {"pattern": patterns.PROJECT, "description": text}
    return ParsedText(values.project_reference, metadata=metadata, **options)


def description(**options: Any) -> ParsedText:
    return ParsedText(values.description, metadata=patterns.DESCRIPTION, **options)


def status(**options: Any) -> ParsedText:
    return ParsedText(_task_value("status"), metadata={"x-status": True}, **options)


def priority(**options: Any) -> ParsedText:
    names = [*_PRIORITIES, None] if options.get("allow_none") else _PRIORITIES
    return ParsedText(_task_value("priority"), metadata={"enum": names}, **options)


def due_date() -> ParsedText:
    return ParsedText(_task_value("due_date"), allow_none=True, metadata=patterns.DUE_DATE)


def assignee_id(**options: Any) -> ParsedText:
    text = "A user's id or username, `me` for the caller, or null for nobody."
    metadata = {"pattern": patterns.SOMEBODY, "description": text}
    return ParsedText(_assignee, allow_none=True, metadata=metadata, **options)


def labels(**options: Any) -> ParsedList:
    return ParsedList(values.labels, patterns.LABEL, metadata={"maxItems": values.MAX_LABELS}, **options)


def parent_id() -> ParsedText:
    text = "The id or the key of the parent task."
    metadata = {"pattern": patterns.TASK, "description": text}
    return ParsedText(values.task_reference, allow_none=True, metadata=metadata)


def blocked_by(**options: Any) -> ParsedList:
    metadata = {"maxItems": values.MAX_BLOCKERS, "description": "Ids or keys of tasks."}
    return ParsedList(values.blockers, {"pattern": patterns.TASK}, metadata=metadata, **options)


def rank() -> ParsedObject:
    return ParsedObject(parse_place, metadata=patterns.RANK)


def reason() -> ParsedText:
    return ParsedText(values.reason, allow_none=True, metadata=patterns.text(values.MAX_REASON_LENGTH))


def override(**options: Any) -> ParsedBoolean:
    text = "Whether to override the rules that a manager may override. Requires a `reason`."
    return ParsedBoolean(values.boolean, metadata={"description": text}, **options)


def version() -> ParsedInteger:
    text = "The version that the caller expects. If it is another, the response is 412."
    return ParsedInteger(values.version, allow_none=True, metadata={**patterns.VERSION, "description": text})


def _assignee(value: object) -> str:
    """Parses an id or a username; `me` becomes the caller's id."""
    return identity().user.id if value == "me" else values.user_key(value)


class TaskIn(Input):
    """A new task. An optional field that is null counts as absent."""

    title = title(required=True)
    project = project("The id or the key of the project; by default, the default project.", allow_none=True)
    description = description(allow_none=True)
    status = status(allow_none=True)
    priority = priority(allow_none=True)
    due_date = due_date()
    assignee_id = assignee_id()
    labels = labels(allow_none=True)
    parent_id = parent_id()
    blocked_by = blocked_by(allow_none=True)
    reason = reason()
    override = override(allow_none=True)

    def load(self, data: Any, **options: Any) -> Any:
        """Returns the values of the fields that are neither absent nor null."""
        return {name: value for name, value in super().load(data, **options).items() if value is not None}


class TaskPatch(Input):
    """Changes of a task (RFC 7396): an absent field stays as it is, null removes its value."""

    title = title()
    project = project("The id or the key of another project, which gives the task a new key.")
    description = description(allow_none=True)
    status = status()
    priority = priority()
    due_date = due_date()
    assignee_id = assignee_id()
    labels = labels(allow_none=True)
    parent_id = parent_id()
    blocked_by = blocked_by(allow_none=True)
    rank = rank()
    reason = reason()
    override = override()
    version = version()


class StatusChange(Input):
    """A new status."""

    status = status(required=True)
    reason = reason()
    override = override()
    version = version()


class PriorityChange(Input):
    """A new priority."""

    priority = priority(required=True)
    reason = reason()
    override = override()
    version = version()


class AssigneeChange(Input):
    """A new assignee, or null."""

    assignee_id = assignee_id(required=True)
    reason = reason()
    override = override()
    version = version()


class RankChange(Input):
    """A place in the order by hand, by exactly one of `before`, `after`, `first` and `last`."""

    before = ParsedText(values.task_reference)
    after = ParsedText(values.task_reference)
    first = ParsedBoolean(true)
    last = ParsedBoolean(true)
    reason = reason()
    override = override()
    version = version()


class Restoring(Input):
    """The options of a restore."""

    may_be_absent = True

    reason = reason()
    override = override()
    version = version()
