"""Computes values of tasks that are not stored, because they depend on other tasks or on the clock."""

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
    """The derived values of one task.

    `blocked` is True if a blocker is unresolved; `blocks` are the ids of the open tasks that wait for it.
    """

    overdue: bool
    blocked: bool
    blocks: tuple[str, ...]
    effective_priority: EffectivePriority | None


@dataclass(frozen=True, slots=True)
class DerivedService:
    """Computes derived values for a page of tasks at once.

    The number of reads grows with the longest chain of waiting tasks, up to `MAX_CHAIN_LENGTH`.
    """

    store: Store
    policy: Policy
    clock: Clock

    def of(self, tasks: Sequence[Task], *, by: Actor) -> Mapping[str, Derived]:
        """Returns the derived values of these tasks, by id."""
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
        """Returns the open tasks that wait for each of these tasks, by id, and so on along the chains.

        Chains are followed for as many tasks as effective priorities take into account.
        """
        statuses = self.policy.workflow.in_category(*OPEN)
        dependants: dict[str, list[Task]] = {}
        visited: set[str] = set()
        frontier = {task.id for task in tasks if not task.is_binned}
        for _ in range(MAX_CHAIN_LENGTH):
            if not frontier:
                break
            visited |= frontier
            waiting = self.store.tasks.waiting_for(frontier, statuses)
            for task in waiting:
                for blocker in frontier.intersection(task.blocked_by):
                    dependants.setdefault(blocker, []).append(task)
            frontier = {task.id for task in waiting} - visited
        return dependants
