"""Judges a step, then writes the task and its entry in the log.

Every change of a task by a command ends here, so an entity's versions and its entries in the log have the
same numbers. `status_mapping` writes tasks, too, for statuses that no rule can judge any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from taskmgr.domain.history.changes import kind_of_task_change
from taskmgr.domain.history.differences import difference
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.workflow import OPEN
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.rules import rule_book
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.tasks.facts import FactFinder, find_unresolved, touch_early
from taskmgr.domain.services.versions import require_version

_MAX_UNBLOCKED = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecorder:
    """Writes tasks inside the transaction of a command."""

    store: Store
    policy: Policy
    journal: Journal

    def create(self, step: Step) -> Task:
        """Stores the step's new task and returns it. Raises `Refused`."""
        overridden = self._judge(step)
        self.store.tasks.add(step.after)
        self.journal.record(
            "task.created", None, step.after, by=step.by, reason=step.reason, override=overridden
        )
        return step.after

    def change(self, step: Step, *, now: datetime, version: int | None, kind: str | None = None) -> Task:
        """Stores the next version of the step's task and returns it.

        A step without a difference stores nothing. `version` is the version that the caller has seen; `kind`
        is the kind of the log entry, by default derived from the changed fields. A task that the step
        completes has `unblocked`. Raises `Stale` and `Refused`.
        """
        require_version(step.before, version)
        _, changed = difference(step.before, step.after)
        if not changed:
            return step.before
        overridden = self._judge(step)
        task = step.after.next_version(now=now)
        self.store.tasks.replace(task)
        self.journal.record(
            kind or kind_of_task_change(changed), step.before, task,
            by=step.by, reason=step.reason, override=overridden,
        )  # fmt: skip
        return replace(task, unblocked=self._find_unblocked(task)) if step.completes else task

    def _judge(self, step: Step) -> bool:
        """Raises `Refused`, or touches what the rules rest on and returns True if a refusal was overridden.

        The caller writes next: a refused command has written nothing.
        """
        if step.needs_active_assignee and step.after.assignee_id is not None:
            touch_early(self.store, step.after.assignee_id)
        finder = FactFinder(self.store, self.policy)
        refusals = rule_book.find_refusals(step, finder.find(step))
        overridden = rule_book.raise_unless_overridden(refusals, override=step.override)
        finder.touch_sources()
        return overridden

    def _find_unblocked(self, task: Task) -> tuple[str, ...]:
        """Returns the ids of the open tasks that had this one as their last unresolved blocker."""
        statuses = self.policy.workflow.in_category(*OPEN)
        query = TaskQuery(blocked_by=(task.id,), statuses=statuses)
        waiting = self.store.tasks.get_many(self.store.tasks.find_ids(query, limit=_MAX_UNBLOCKED))
        blockers = self.store.tasks.get_many({b for other in waiting.values() for b in other.blocked_by})
        return tuple(
            other.id
            for other in waiting.values()
            if not find_unresolved(other.blocked_by, blockers, self.policy)
        )
