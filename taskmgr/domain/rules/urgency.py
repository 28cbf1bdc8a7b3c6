"""Effective priority: how urgent a task really is, as a function of the task, the clock, and what waits.

It is computed, never stored, and neither sorted nor filtered by.
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
    """The value, and all that lifts it to where it is; nothing where it is the stored one."""

    value: Priority
    because: tuple[Cause, ...]


def effective_priorities(
    tasks: Collection[Task], dependants: Mapping[str, Sequence[Task]], *, now: datetime, workflow: Workflow
) -> dict[str, EffectivePriority | None]:
    """For each task its effective priority; None for a closed one, which has none.

    `dependants` has, for every task that something waits for, the open tasks that wait, and for
    those in turn, at most `MAX_CHAIN_LENGTH` in a row. Tasks further away do not count, whatever else is
    in `tasks`: a task has the same effective priority alone and on a page with others.
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
    """The effective priorities by id, as tasks have them that are themselves waited for.

    Each round takes them one task further, and the last step is `_explained`'s. No recursion: a row of
    waiting tasks may be long, and a ring must not go on for ever.
    """
    blocks: dict[str, list[str]] = {}
    for blocker, waiting in dependants.items():
        for task in waiting:
            blocks.setdefault(task.id, []).append(blocker)
    known = {
        task.id: max([task.priority, *(lift for lift, _ in _by_due_date(task, now))])
        for task in (*tasks, *chain.from_iterable(dependants.values()))
    }
    risen: Collection[str] = list(known)
    for _ in range(MAX_CHAIN_LENGTH - 1):
        lifted: dict[str, Priority] = {}
        for waits in risen:
            for blocker in blocks.get(waits, ()):
                if blocker in known and max(known[blocker], lifted.get(blocker, Priority.LOW)) < known[waits]:
                    lifted[blocker] = known[waits]
        if not lifted:
            break
        known |= lifted
        risen = lifted
    return known


def _explained(
    task: Task, waiting: Sequence[Task], values: Mapping[str, Priority], now: datetime
) -> EffectivePriority:
    lifts = [*_by_due_date(task, now), *((values[other.id], _waits(other)) for other in waiting)]
    highest = max((found for found, _ in lifts), default=task.priority)
    if highest <= task.priority:
        return EffectivePriority(value=task.priority, because=())
    because = tuple(cause for found, cause in lifts if found == highest)
    return EffectivePriority(value=highest, because=because)


def _by_due_date(task: Task, now: datetime) -> list[tuple[Priority, Cause]]:
    """What the clock makes of a due date; an undated task gets no penalty, a far date no bonus."""
    if task.due_date is None:
        return []
    late = now - task.due_date.at
    since = format_instant(task.due_date.at)
    if late > LONG_OVERDUE:
        detail = f"It is overdue by more than {LONG_OVERDUE.days} days, since {since}."
        return [(Priority.URGENT, Cause(code="long_overdue", detail=detail))]
    if late >= timedelta(0):
        return [(Priority.HIGH, Cause(code="overdue", detail=f"It is overdue since {since}."))]
    if -late <= DUE_SOON:
        return [(Priority.MEDIUM, Cause(code="due_soon", detail=f"It is due within 24 hours, at {since}."))]
    return []


def _waits(task: Task) -> Cause:
    return Cause(code="blocks", detail=f"The task {task.id} waits for it.", task_id=task.id)
