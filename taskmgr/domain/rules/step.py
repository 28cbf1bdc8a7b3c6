"""What a command would make of one task: its state before and after, and what follows from the two."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One command's effect on one task, and what was said along with it.

    A creation is a step from the task as it would begin, in the initial status (`created`); a
    restoring is one from the bin (`restored`).
    """

    before: Task
    after: Task
    policy: Policy
    by: Actor
    reason: str | None = None
    override: bool = False
    created: bool = False

    def _category(self, task: Task) -> Category | None:
        return self.policy.workflow.category(task.status)

    @property
    def restored(self) -> bool:
        return self.before.is_binned and not self.after.is_binned

    @property
    def binned(self) -> bool:
        return self.after.is_binned and not self.before.is_binned

    @property
    def appears(self) -> bool:
        """Whether the task was not among the visible ones before."""
        return self.created or self.restored

    @property
    def moves(self) -> bool:
        return self.created or self.before.status != self.after.status

    @property
    def open_after(self) -> bool:
        return self.policy.workflow.is_open(self.after.status)

    @property
    def started_after(self) -> bool:
        return self._category(self.after) is Category.STARTED

    @property
    def starts(self) -> bool:
        return self._enters(Category.STARTED)

    @property
    def completes(self) -> bool:
        return self._enters(Category.COMPLETED)

    @property
    def cancels(self) -> bool:
        return self._enters(Category.CANCELLED)

    def _enters(self, category: Category) -> bool:
        """Whether it moves into the category from outside, not between two statuses of it."""
        return self._category(self.after) is category and self._category(self.before) is not category

    @property
    def reopens(self) -> bool:
        return self.moves and self.open_after and self.policy.workflow.is_closed(self.before.status)

    @property
    def assigns(self) -> bool:
        """Whether somebody gets the task who did not have it."""
        changed = self.created or self.after.assignee_id != self.before.assignee_id
        return changed and self.after.assignee_id is not None

    @property
    def needs_active_assignee(self) -> bool:
        return self.assigns or (self.moves and self.started_after)

    @property
    def unassigns(self) -> bool:
        return self.after.assignee_id is None and self.before.assignee_id is not None

    @property
    def counts_as_started(self) -> bool:
        """Whether the assignee has one started task more than before."""
        more = self.starts or self.assigns or self.restored
        return more and self.started_after and self.after.assignee_id is not None

    @property
    def is_urgent(self) -> bool:
        return self.after.priority is Priority.URGENT

    @property
    def becomes_urgent(self) -> bool:
        return self.is_urgent and (self.created or self.before.priority is not Priority.URGENT)

    @property
    def lowers_from_urgent(self) -> bool:
        return self.before.priority is Priority.URGENT and not self.is_urgent

    @property
    def counts_as_urgent(self) -> bool:
        """Whether the assignee has one open urgent task more than before."""
        more = self.becomes_urgent or self.assigns or self.restored or self.reopens
        return more and self.is_urgent and self.open_after and self.after.assignee_id is not None

    @property
    def meets_parent(self) -> bool:
        """Whether the state of the parent matters: an open subtask comes, moves or returns."""
        comes = self.moves or self.restored or self.after.parent_id != self.before.parent_id
        return comes and self.open_after

    @property
    def new_parent_id(self) -> str | None:
        """The parent, if it did not wait for the task before."""
        is_new = self.appears or self.after.parent_id != self.before.parent_id
        return self.after.parent_id if is_new else None

    @property
    def new_blockers(self) -> tuple[str, ...]:
        """The blockers that the task did not wait for before."""
        known = () if self.appears else self.before.blocked_by
        return tuple(blocker for blocker in self.after.blocked_by if blocker not in known)

    @property
    def adds_edges(self) -> bool:
        """Whether something would wait for something that it did not wait for before."""
        return self.new_parent_id is not None or bool(self.new_blockers)
