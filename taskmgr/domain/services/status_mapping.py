"""Replaces a status that the policy no longer has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from taskmgr.domain.model import parsing
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import MAX_LIMIT, PageRequest
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.journal import Journal


@dataclass(frozen=True, slots=True)
class StatusMapping:
    """Moves all tasks from a removed status to another, after a team has changed its workflow."""

    store: Store
    policy: Policy
    journal: Journal
    clock: Clock

    def run(self, old: str, new: str, *, by: Actor) -> int:
        """Moves all tasks, including those in the bin, and returns their number.

        Each move is a command of its own with its entry in the log, so an interrupted run can be repeated.
        The workflow's rules do not apply: they have no transitions from the old status. Raises `Invalid` if
        the policy has the old status or lacks the new one.
        """
        permissions.require(by, Action.MANAGE_USERS)
        parsing.parse_fields({"new": new}, {"new": self.policy.workflow.parse})
        if old in self.policy.workflow.categories:
            detail = "The policy still has this status: move its tasks through the workflow."
            raise Invalid([FieldError(location="old", code="not_allowed", detail=detail)])
        return sum(self._run(old, new, binned=binned, by=by) for binned in (False, True))

    def _run(self, old: str, new: str, *, binned: bool, by: Actor) -> int:
        query = TaskQuery(statuses=(old,), binned=binned)
        count = 0
        while tasks := self.store.tasks.find(query, PageRequest(limit=MAX_LIMIT)).items:
            count += sum(self._map(task.id, old, new, binned=binned, by=by) for task in tasks)
        return count

    def _map(self, task_id: str, old: str, new: str, *, binned: bool, by: Actor) -> bool:
        def command() -> bool:
            before = self.store.tasks.get(task_id, binned=binned)
            if before.status != old:  # another run has moved it
                return False
            now = time_of_change(self.clock, before)
            after = self._moved(before, new, now=now).next_version(now=now)
            self.store.tasks.replace(after)
            reason = f"The policy has no status {old} any more."
            self.journal.record("task.status_changed", before, after, by=by, reason=reason)
            return True

        return self.store.unit_of_work.run(command)

    def _moved(self, task: Task, status: str, *, now: datetime) -> Task:
        category = self.policy.workflow.category(status)
        started, completed = category is Category.STARTED, category is Category.COMPLETED
        return replace(
            task,
            status=status,
            status_changed_at=now,
            started_at=task.started_at or (now if started else None),
            completed_at=(task.completed_at or now) if completed else None,
        )
