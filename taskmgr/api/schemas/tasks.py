"""Tasks, in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from taskmgr.api import problems, runtime
from taskmgr.api.input.strict_json import serialises_itself
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CategoryOf,
    Command,
    Due,
    Flag,
    Moment,
    Name,
    Out,
    Text,
    Texts,
    Whole,
    Writer,
    key_text,
)
from taskmgr.api.schemas.problems import RefusalOut
from taskmgr.domain.model import values
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task, parsers
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.rules.urgency import CAUSES
from taskmgr.domain.services.derived import Derived

_PRIORITIES = [p.value for p in Priority]


def _task_value(name: str) -> Any:
    """The parser of a task's field under the policy in force."""
    return lambda value: parsers(runtime.policy())[name](value)


def title(**options: Any) -> Text:
    return Text(values.title, metadata=patterns.line(values.MAX_TITLE_LENGTH), **options)


def description(**options: Any) -> Text:
    return Text(values.description, metadata=patterns.DESCRIPTION, **options)


def status(**options: Any) -> Text:
    return Text(_task_value("status"), metadata={"x-status": True}, **options)


def priority(**options: Any) -> Text:
    names = [*_PRIORITIES, None] if options.get("allow_none") else _PRIORITIES
    return Text(_task_value("priority"), metadata={"enum": names}, **options)


def due_date() -> Text:
    return Text(_task_value("due_date"), allow_none=True, metadata=patterns.DUE_DATE)


def assignee_id(**options: Any) -> Text:
    what = "A user's id or username, `me` for yourself, or null for nobody."
    metadata = {"pattern": patterns.SOMEBODY, "description": what}
    return Text(_assignee, allow_none=True, metadata=metadata, **options)


def labels(**options: Any) -> Texts:
    return Texts(values.labels, patterns.LABEL, metadata={"maxItems": values.MAX_LABELS}, **options)


def parent_id() -> Text:
    return Text(values.identifier, allow_none=True, metadata={"pattern": patterns.ID})


def blocked_by(**options: Any) -> Texts:
    return Texts(
        values.task_ids, {"pattern": patterns.ID}, metadata={"maxItems": values.MAX_BLOCKERS}, **options
    )


def reason() -> Text:
    return Text(values.reason, allow_none=True, metadata=patterns.text(values.MAX_REASON_LENGTH))


def override(**options: Any) -> Flag:
    what = "A manager's word that overridable rules shall not hold this once; takes a `reason`."
    return Flag(values.boolean, metadata={"description": what}, **options)


def version() -> Whole:
    what = "The version that the caller has seen; the answer is 412 if it is another."
    return Whole(values.version, allow_none=True, metadata={**patterns.VERSION, "description": what})


def _assignee(value: object) -> str:
    """Returns an id or a username; `me` becomes the caller's id."""
    return runtime.identity().user.id if value == "me" else values.user_key(value)


class TaskIn(Command):
    """A new task. A null optional field is an absent one."""

    title = title(required=True)
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
        """The values of the fields that are given and not null."""
        return {name: value for name, value in super().load(data, **options).items() if value is not None}


class TaskPatch(Command):
    """Changes of a task (RFC 7396): an absent field stays, null empties."""

    title = title()
    description = description(allow_none=True)
    status = status()
    priority = priority()
    due_date = due_date()
    assignee_id = assignee_id()
    labels = labels(allow_none=True)
    parent_id = parent_id()
    blocked_by = blocked_by(allow_none=True)
    reason = reason()
    override = override()
    version = version()


class StatusChange(Command):
    """A move to another status."""

    status = status(required=True)
    reason = reason()
    override = override()
    version = version()


class PriorityChange(Command):
    """Another priority."""

    priority = priority(required=True)
    reason = reason()
    override = override()
    version = version()


class AssigneeChange(Command):
    """Another assignee, or none."""

    assignee_id = assignee_id(required=True)
    reason = reason()
    override = override()
    version = version()


class Restoring(Command):
    """What may be said when a task is taken out of the bin."""

    may_be_absent = True

    reason = reason()
    override = override()
    version = version()


class TaskOut(Out):
    """A task. Every key is always there, null where it is empty."""

    id = key_text("The task's id.")
    title = fields.String(required=True)
    description = fields.String(required=True)
    status = fields.String(
        required=True,
        metadata={
            "x-status": "or another",
            "description": "One of the workflow's statuses, unless `category` is null.",
        },
    )
    category = CategoryOf(
        required=True,
        allow_none=True,
        metadata={
            "enum": [*(c.value for c in Category), None],
            "description": "What the status means; null if the policy in force lacks the status.",
        },
    )
    priority = Name(required=True, metadata={"enum": _PRIORITIES})
    due_date = Due(required=True, allow_none=True, metadata=patterns.DUE_DATE)
    assignee_id = fields.String(required=True, allow_none=True)
    labels = fields.List(fields.String(), required=True)
    parent_id = fields.String(required=True, allow_none=True)
    blocked_by = fields.List(fields.String(), required=True)
    created_by = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    started_at = Moment(required=True, allow_none=True)
    completed_at = Moment(required=True, allow_none=True)
    status_changed_at = Moment(required=True)
    reopen_count = fields.Integer(required=True)
    deleted_at = Moment(required=True, allow_none=True)
    version = fields.Integer(required=True)


class NewTaskOut(TaskOut):
    """A new task."""

    id = key_text("The task's id; null where it was made dry.", allow_none=True)


class AssigneeOut(Out):
    """Who a task is assigned to, in short."""

    id = key_text("The user's id.")
    username = fields.String(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(required=True)


class CauseOut(Out):
    """What lifts an effective priority above the stored one."""

    code = fields.String(required=True, metadata={"enum": list(CAUSES)})
    detail = fields.String(required=True)
    task_id = fields.String(required=True, allow_none=True)


class EffectivePriorityOut(Out):
    """How urgent a task really is, and why."""

    value = Name(required=True, metadata={"enum": _PRIORITIES})
    because = fields.List(fields.Nested(CauseOut), required=True)

    _cause = CauseOut()

    def writer(self) -> Writer:
        plain, cause = super().writer(), self._cause.writer()
        return lambda obj: {**plain(obj), "because": [cause(because) for because in obj.because]}


class DerivedOut(Out):
    """What follows from the clock and from other tasks."""

    overdue = fields.Boolean(required=True)
    blocked = fields.Boolean(required=True)
    blocks = fields.List(fields.String(), required=True)


@dataclass(frozen=True, slots=True)
class Enriched:
    """A task and what a caller asked to come along with it."""

    task: Task
    assignee: User | None = None
    derived: Derived | None = None
    included: tuple[str, ...] = ()


# The keys that each `include` adds.
ADDED = {"assignee": ("assignee",), "derived": ("overdue", "blocked", "blocks", "effective_priority")}


class TaskRowOut(TaskOut):
    """A task as it is read; `include` adds the keys behind `version`."""

    assignee = fields.Nested(AssigneeOut, allow_none=True)
    overdue = fields.Boolean()
    blocked = fields.Boolean()
    blocks = fields.List(fields.String())
    effective_priority = fields.Nested(EffectivePriorityOut, allow_none=True)

    _task = TaskOut()
    _assignee = AssigneeOut()
    _derived = DerivedOut()
    _effective = EffectivePriorityOut()

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Returns records, which serialise themselves, as they are."""
        first = obj[0] if many and obj else obj
        return obj if serialises_itself(first) else super().dump(obj, many=many)

    def writer(self) -> Writer:
        task, assignee, derived = self._task.writer(), self._assignee.writer(), self._derived.writer()
        effective = self._effective.writer()

        def write(obj: Any) -> dict[str, Any]:
            if isinstance(obj, Task):
                return task(obj)
            row = task(obj.task)
            if "assignee" in obj.included:
                row["assignee"] = obj.assignee and assignee(obj.assignee)
            if obj.derived is not None:
                row |= derived(obj.derived)
                lifted = obj.derived.effective_priority
                row["effective_priority"] = lifted and effective(lifted)
            return row

        return write


class ChangedTaskOut(TaskOut):
    """A task after a command; one that completed it adds `unblocked`."""

    unblocked = fields.List(
        fields.String(), metadata={"description": "The tasks that waited for this one alone."}
    )

    def writer(self) -> Writer:
        whole = super().writer()

        def write(obj: Any) -> dict[str, Any]:
            row = whole(obj)
            if row["unblocked"] is None:
                del row["unblocked"]
            return row

        return write


class Reasons(fields.List[Any]):
    """Refusals, in the very form of a refused write's problem."""

    def converter(self) -> Callable[[Any], Any]:
        return problems.reasons

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return problems.reasons(value)


class TransitionOut(Out):
    """Whether the caller may move the task to a status."""

    to = fields.String(required=True, metadata={"x-status": True})
    category = Name(required=True, metadata={"enum": [c.value for c in Category]})
    allowed = fields.Boolean(required=True)
    requires = fields.List(
        fields.String(), required=True, metadata={"description": "What must be given along: `reason`."}
    )
    reasons = Reasons(fields.Nested(RefusalOut), required=True)
