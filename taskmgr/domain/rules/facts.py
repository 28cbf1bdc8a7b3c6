"""The facts that the rules need beyond the task itself."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task, TaskName
from taskmgr.domain.model.user import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything the rules know about the surroundings of one step.

    The rules do not care where facts come from. `services/tasks/facts.py` reads them from the store, and
    only those that the rules need for the step at hand; a replay of the log could supply the same from the
    states that it has rebuilt. A fact that no rule needs stays at its default, which never causes a refusal.

    project: the project in which the task is after the step.
    assignee: the user to whom the task is assigned after the step.
    was_assignee: whether the actor has been the assignee at any time since the task was last completed.
    parent: the parent after the step; None without one, or if it is in the bin.
    binned_parent: that parent, if it is in the bin.
    unresolved_blockers: the tasks in `blocked_by` that are not completed.
    open_subtasks: the open subtasks.
    subtasks: all subtasks outside the bin.
    started: the assignee's *other* tasks in a started status.
    urgent: the assignee's *other* open urgent tasks.
    cycle: the ring that the step would close, from the task back to itself.
    chain_too_long: whether the chains on both sides are too long to rule out a ring.
    levels: how many levels of subtasks there would be below the root; counted up to one beyond the
    limit, and 0 if the task gets no new parent.
    """

    project: Project | None = None
    assignee: User | None = None
    was_assignee: bool = False
    parent: Task | None = None
    binned_parent: TaskName | None = None
    unresolved_blockers: tuple[TaskName, ...] = ()
    open_subtasks: tuple[TaskName, ...] = ()
    subtasks: tuple[TaskName, ...] = ()
    started: tuple[TaskName, ...] = ()
    urgent: tuple[TaskName, ...] = ()
    cycle: tuple[TaskName, ...] = ()
    chain_too_long: bool = False
    levels: int = 0
