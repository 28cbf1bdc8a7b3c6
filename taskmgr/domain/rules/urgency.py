"""The effective priority of a task, computed from its own priority, its due date, and the tasks that wait.

It is never stored, and lists cannot be sorted or filtered by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.workflow import Workflow
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH

LONG_OVERDUE = timedelta(days=3)
DUE_SOON = timedelta(hours=24)
CAUSES = ("long_overdue", "overdue", "due_soon", "blocks")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Tells why the effective priority is above the stored one.

    `code` is one of `CAUSES`; `task_id` names the task that waits.
    """

    code: str
    detail: str
    task_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectivePriority:
    """The effective priority and all causes that raise it; `because` is empty if nothing raises it."""

    value: Priority
    because: tuple[Cause, ...]


def effective_priorities(
    tasks: Collection[Task], dependants: Mapping[str, Sequence[Task]], *, now: datetime, workflow: Workflow
) -> dict[str, EffectivePriority | None]:
    """Returns the effective priority of each task by id; None for a closed task.

    `dependants` maps each task to the open tasks that wait for it, and these in turn to theirs, at most
    `MAX_CHAIN_LENGTH` in a row. Tasks further away are ignored even if they are among `tasks`, so a task has
    the same effective priority alone and on a page with others.
    """
    values = _values(tasks, dependants, now)
    return {
        task.id: _explained(task, dependants.get(task.id, ()), values, now)
        if workflow.is_open(task.status)
        else None
        for task in tasks
    }


def _values(
    tasks: Collection[Task], dependants: Mapping[str, Sequence[Task]], now: datetime
) -> Mapping[str, Priority]:
    """Returns the effective priorities of tasks and dependants by id, except for the last step of a chain.

    Each round passes priorities on by one task; `_explained` adds the last step. The number of rounds is
    limited, so cycles end.
    """
    blocks: dict[str, list[str]] = {}
    for blocker, waiting in dependants.items():
        for task in waiting:
            blocks.setdefault(task.id, []).append(blocker)
    values = {
        task.id: max([task.priority, *(lift for lift, _ in _by_due_date(task, now))])
        for task in (*tasks, *chain.from_iterable(dependants.values()))
    }
    raised: Collection[str] = list(values)
    for _ in range(MAX_CHAIN_LENGTH - 1):
        newly_raised: dict[str, Priority] = {}
        for waiting_id in raised:
            for blocker in blocks.get(waiting_id, ()):
                if (
                    blocker in values
                    and max(values[blocker], newly_raised.get(blocker, Priority.LOW)) < values[waiting_id]
                ):
                    newly_raised[blocker] = values[waiting_id]
        if not newly_raised:
            break
        values |= newly_raised
        raised = newly_raised
    return values


def _explained(
    task: Task, waiting: Sequence[Task], values: Mapping[str, Priority], now: datetime
) -> EffectivePriority:
    lifts = [*_by_due_date(task, now), *((values[other.id], _waits(other)) for other in waiting)]
    highest = max((priority for priority, _ in lifts), default=task.priority)
    if highest <= task.priority:
        return EffectivePriority(value=task.priority, because=())
    because = tuple(cause for priority, cause in lifts if priority == highest)
    return EffectivePriority(value=highest, because=because)


def _by_due_date(task: Task, now: datetime) -> list[tuple[Priority, Cause]]:
    """Returns the priority that the due date demands, with its cause; [] if it demands none."""
    if task.due_date is None:
        return []
    late = now - task.due_date.at
    since = format_instant(task.due_date.at)
    if late > LONG_OVERDUE:
        detail = f"It has been overdue for more than {LONG_OVERDUE.days} days, since {since}."
        return [(Priority.URGENT, Cause(code="long_overdue", detail=detail))]
    if late >= timedelta(0):
        return [(Priority.HIGH, Cause(code="overdue", detail=f"It has been overdue since {since}."))]
    if -late <= DUE_SOON:
        return [(Priority.MEDIUM, Cause(code="due_soon", detail=f"It is due within 24 hours, at {since}."))]
    return []


def _waits(task: Task) -> Cause:
    return Cause(code="blocks", detail=f"{task.name} waits for it.", task_id=task.id)
