"""What is not stored of a task but follows from others and the clock, for a whole page at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import OPEN
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.urgency import EffectivePriority, effective_priorities
from taskmgr.domain.services.tasks.facts import find_unresolved


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """`blocked` by an unresolved blocker; `blocks` are the open tasks that wait for it."""

    overdue: bool
    blocked: bool
    blocks: tuple[str, ...]
    effective_priority: EffectivePriority | None


@dataclass(frozen=True, slots=True)
class DerivedService:
    """Derived values, in as many questions to the store as tasks wait in a row, up to a limit."""

    store: Store
    policy: Policy
    clock: Clock

    def of(self, tasks: Sequence[Task], *, by: Actor) -> Mapping[str, Derived]:
        """The derived values of these tasks, by id."""
        permissions.require(by, Action.READ)
        now, workflow = self.clock(), self.policy.workflow
        waiting = self._dependants(tasks)
        blockers = self.store.tasks.get_many({b for task in tasks for b in task.blocked_by})
        effective = effective_priorities(tasks, waiting, now=now, workflow=workflow)
        return {
            task.id: Derived(
                overdue=task.is_overdue(now=now, workflow=workflow),
                blocked=bool(find_unresolved(task.blocked_by, blockers, self.policy)),
                blocks=tuple(other.id for other in waiting.get(task.id, ())),
                effective_priority=effective[task.id],
            )
            for task in tasks
        }

    def _dependants(self, tasks: Sequence[Task]) -> Mapping[str, Sequence[Task]]:
        """For each task that open tasks wait for, those tasks; the same for these in turn, until none
        waits or as many wait in a row as effective priorities look at."""
        statuses = self.policy.workflow.in_category(*OPEN)
        found: dict[str, list[Task]] = {}
        asked: set[str] = set()
        frontier = {task.id for task in tasks if not task.is_binned}
        for _ in range(MAX_CHAIN_LENGTH):
            if not frontier:
                break
            asked |= frontier
            waiting = self.store.tasks.waiting_for(frontier, statuses)
            for task in waiting:
                for blocker in frontier.intersection(task.blocked_by):
                    found.setdefault(blocker, []).append(task)
            frontier = {task.id for task in waiting} - asked
        return found
