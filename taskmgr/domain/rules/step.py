"""The effect of a command on one task: its state before and after, and what follows from the two."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One task before and after a command, with the actor, the reason and the override of the command.

    The step of a creation (`created`) begins with the new task in the initial status, and leads to the
    status in which it is created. `project` is the project of the task after the step, if the command has
    read it already.
    """

    before: Task
    after: Task
    policy: Policy
    by: Actor
    reason: str | None = None
    override: bool = False
    created: bool = False
    project: Project | None = None

    def _category(self, task: Task) -> Category | None:
        return self.policy.workflow.category(task.status)

    @property
    def restored(self) -> bool:
        """Whether the task leaves the bin."""
        return self.before.is_binned and not self.after.is_binned

    @property
    def binned(self) -> bool:
        """Whether the task goes into the bin."""
        return self.after.is_binned and not self.before.is_binned

    @property
    def appears(self) -> bool:
        """Whether the task becomes visible: it is created or restored."""
        return self.created or self.restored

    @property
    def changes_project(self) -> bool:
        return self.before.project != self.after.project

    @property
    def changes_status(self) -> bool:
        return self.created or self.before.status != self.after.status

    @property
    def is_open_after(self) -> bool:
        return self.policy.workflow.is_open(self.after.status)

    @property
    def is_started_after(self) -> bool:
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
        """Whether the task enters the category; a move between two of its statuses does not count."""
        return self._category(self.after) is category and self._category(self.before) is not category

    @property
    def reopens(self) -> bool:
        was_closed = self.policy.workflow.is_closed(self.before.status)
        return self.changes_status and was_closed and self.is_open_after

    @property
    def assigns(self) -> bool:
        """Whether the task gets an assignee, or another one."""
        changed = self.created or self.after.assignee_id != self.before.assignee_id
        return changed and self.after.assignee_id is not None

    @property
    def needs_active_assignee(self) -> bool:
        return self.assigns or (self.changes_status and self.is_started_after)

    @property
    def unassigns(self) -> bool:
        return self.after.assignee_id is None and self.before.assignee_id is not None

    @property
    def counts_as_started(self) -> bool:
        """Whether the step gives the assignee one more started task."""
        adds = self.starts or self.assigns or self.restored
        return adds and self.is_started_after and self.after.assignee_id is not None

    @property
    def is_urgent(self) -> bool:
        """Whether the task is urgent after the step."""
        return self.after.priority is Priority.URGENT

    @property
    def becomes_urgent(self) -> bool:
        return self.is_urgent and (self.created or self.before.priority is not Priority.URGENT)

    @property
    def lowers_from_urgent(self) -> bool:
        return self.before.priority is Priority.URGENT and not self.is_urgent

    @property
    def counts_as_urgent(self) -> bool:
        """Whether the step gives the assignee one more open urgent task."""
        adds = self.becomes_urgent or self.assigns or self.restored or self.reopens
        return adds and self.is_urgent and self.is_open_after and self.after.assignee_id is not None

    @property
    def needs_open_parent(self) -> bool:
        """Whether an open task moves, returns from the bin or gets another parent."""
        joins = self.changes_status or self.restored or self.after.parent_id != self.before.parent_id
        return joins and self.is_open_after

    @property
    def new_parent_id(self) -> str | None:
        """The parent, if it does not wait for this task yet."""
        is_new = self.appears or self.after.parent_id != self.before.parent_id
        return self.after.parent_id if is_new else None

    @property
    def new_blockers(self) -> tuple[str, ...]:
        """The blockers that the task does not wait for yet."""
        known = () if self.appears else self.before.blocked_by
        return tuple(blocker for blocker in self.after.blocked_by if blocker not in known)

    @property
    def adds_edges(self) -> bool:
        """Whether the step makes a task wait for another that it does not wait for yet."""
        return self.new_parent_id is not None or bool(self.new_blockers)
