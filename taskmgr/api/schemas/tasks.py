"""Describes tasks in responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from taskmgr.api.input.strict_json import serialises_itself
from taskmgr.api.problems.responses import public_reasons
from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import (
    CategoryOf,
    CompiledOutput,
    DueDate,
    EnumName,
    Moment,
    Writer,
    id_field,
    key_field,
)
from taskmgr.api.schemas.problems import RefusalOut
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.rules.urgency import CAUSES
from taskmgr.domain.services.derived import Derived

_PRIORITIES = [priority.value for priority in Priority]


class TaskOut(CompiledOutput):
    """A task. It always has all keys; a value that is not set is null."""

    id = id_field("The task's id.")
    key = key_field("What people call the task: its project's key and a number.")
    project = fields.String(required=True, metadata={"description": "The key of the task's project."})
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
            "description": "What the status means; null if the policy in force does not define it.",
        },
    )
    priority = EnumName(required=True, metadata={"enum": _PRIORITIES})
    due_date = DueDate(required=True, allow_none=True, metadata=patterns.DUE_DATE)
    assignee_id = fields.String(required=True, allow_none=True)
    labels = fields.List(fields.String(), required=True)
    parent_id = fields.String(required=True, allow_none=True)
    blocked_by = fields.List(fields.String(), required=True)
    rank = fields.String(
        required=True,
        metadata={"description": "Its place among the tasks of its project; `sort=rank` orders by it."},
    )
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

    id = id_field("The task's id; null if it was created in a dry run.", allow_none=True)
    key = key_field("The task's key; null if it was created in a dry run.", allow_none=True)


class AssigneeOut(CompiledOutput):
    """The user that a task is assigned to."""

    id = id_field("The user's id.")
    username = fields.String(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(required=True)


class CauseOut(CompiledOutput):
    """Why the effective priority is higher than the stored one."""

    code = fields.String(required=True, metadata={"enum": list(CAUSES)})
    detail = fields.String(required=True)
    task_id = fields.String(required=True, allow_none=True)


class EffectivePriorityOut(CompiledOutput):
    """A task's priority, taking its due date and the tasks that wait for it into account, and the reasons."""

    value = EnumName(required=True, metadata={"enum": _PRIORITIES})
    because = fields.List(fields.Nested(CauseOut), required=True)

    _cause = CauseOut()

    def writer(self) -> Writer:
        write_plain, write_cause = super().writer(), self._cause.writer()

        def write(obj: Any) -> dict[str, Any]:
            return {**write_plain(obj), "because": [write_cause(cause) for cause in obj.because]}

        return write


class DerivedOut(CompiledOutput):
    """What depends on the time and on other tasks."""

    overdue = fields.Boolean(required=True)
    blocked = fields.Boolean(required=True)
    blocks = fields.List(fields.String(), required=True)


@dataclass(frozen=True, slots=True)
class Enriched:
    """A task with what `include` adds to it; `included` has the names."""

    task: Task
    assignee: User | None = None
    derived: Derived | None = None
    included: tuple[str, ...] = ()


# The keys that each name in `include` adds.
ADDED = {"assignee": ("assignee",), "derived": ("overdue", "blocked", "blocks", "effective_priority")}


class TaskRowOut(TaskOut):
    """A task in a list. The keys after `version` are added by `include`."""

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
        """Returns records as they are, because they have this form already."""
        first = obj[0] if many and obj else obj
        return obj if serialises_itself(first) else super().dump(obj, many=many)

    def writer(self) -> Writer:
        write_task, write_assignee = self._task.writer(), self._assignee.writer()
        write_derived, write_effective = self._derived.writer(), self._effective.writer()

        def write(obj: Any) -> dict[str, Any]:
            if isinstance(obj, Task):
                return write_task(obj)
            row = write_task(obj.task)
            if "assignee" in obj.included:
                row["assignee"] = obj.assignee and write_assignee(obj.assignee)
            if obj.derived is not None:
                effective = obj.derived.effective_priority
                row |= write_derived(obj.derived)
                row["effective_priority"] = effective and write_effective(effective)
            return row

        return write


class ChangedTaskOut(TaskOut):
    """A task after a command. If the command completed it, `unblocked` is added."""

    unblocked = fields.List(
        fields.String(), metadata={"description": "The tasks that only waited for this one."}
    )

    def writer(self) -> Writer:
        write_all = super().writer()

        def write(obj: Any) -> dict[str, Any]:
            row = write_all(obj)
            if row["unblocked"] is None:
                del row["unblocked"]
            return row

        return write


class Reasons(fields.List[Any]):
    """Refusals, in the same form as in the problem of a refused write."""

    def converter(self) -> Callable[[Any], Any]:
        return public_reasons

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return public_reasons(value)


class TransitionOut(CompiledOutput):
    """A status, and whether the caller may move the task there."""

    to = fields.String(required=True, metadata={"x-status": True})
    category = EnumName(required=True, metadata={"enum": [c.value for c in Category]})
    allowed = fields.Boolean(required=True)
    requires = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The fields that the move requires: `reason`."},
    )
    reasons = Reasons(fields.Nested(RefusalOut), required=True)
