"""What must hold of stored tasks, whatever was overridden: of each by itself, and between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from taskmgr.domain.policy import Policy
from taskmgr.domain.task import Task
from taskmgr.domain.values import is_identifier
from taskmgr.domain.workflow import Category, Workflow

_NAMED = 5  # how many tasks a finding names


def against_task(task: Task, user_ids: Collection[str], policy: Policy) -> Iterator[str]:
    """What is wrong with one task, whose status the policy must know, in sentences."""
    category = policy.workflow.category(task.status)
    if task.assignee_id is not None and task.assignee_id not in user_ids:
        yield f"Its assignee {task.assignee_id} does not exist."
    if is_identifier(task.created_by) and task.created_by not in user_ids:
        yield f"Its creator {task.created_by} does not exist."
    if category is Category.STARTED and task.assignee_id is None:
        yield f"It is {task.status}, but assigned to nobody."
    if (task.completed_at is not None) is not (category is Category.COMPLETED):
        yield f"It is {task.status}, but completed_at is {task.completed_at}."


class Statuses:
    """The statuses that tasks are in, against those that the policy has."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._unknown: dict[str, list[str]] = {}

    def knows(self, task: Task) -> bool:
        """Whether the policy has the task's status; remembers it if not."""
        if task.status in self._workflow.categories:
            return True
        self._unknown.setdefault(task.status, []).append(task.id)
        return False

    def unknown(self) -> Iterator[str]:
        """A sentence for each status that the policy lacks."""
        for status, tasks in sorted(self._unknown.items()):
            more = ", …" if len(tasks) > _NAMED else ""
            named = ", ".join(tasks[:_NAMED])
            yield f"The policy has no status {status!r}, which {len(tasks)} have: {named}{more}."


class Relations:
    """Who waits for whom outside the bin, and whether they are all there."""

    def __init__(self) -> None:
        self._waits_for: dict[str, set[str]] = {}
        self._parents: dict[str, str] = {}
        self._blockers: dict[str, tuple[str, ...]] = {}

    def note(self, task: Task) -> None:
        """Takes a task's relations in."""
        if task.is_binned:
            return
        if task.blocked_by:
            self._blockers[task.id] = task.blocked_by
            self._waits_for.setdefault(task.id, set()).update(task.blocked_by)
        if task.parent_id is not None:
            self._parents[task.id] = task.parent_id
            self._waits_for.setdefault(task.parent_id, set()).add(task.id)

    def named(self) -> Collection[str]:
        """The ids of all tasks that another relates to."""
        return {*self._parents.values(), *(b for ids in self._blockers.values() for b in ids)}

    def broken(self, there: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
        """A task's id and a sentence for all that is wrong, given which of the named tasks there are.

        With each of them comes whether it is in the bin.
        """
        for task_id, parent in self._parents.items():
            if there.get(parent, True):
                where = "in the bin" if parent in there else "not there"
                yield task_id, f"Its parent {parent} is {where}."
        for task_id, blockers in self._blockers.items():
            if missing := [blocker for blocker in blockers if blocker not in there]:
                yield task_id, f"It waits for {', '.join(missing)}, which does not exist."
        try:
            TopologicalSorter(self._waits_for).prepare()
        except CycleError as error:
            ring = error.args[1]
            yield ring[0], f"It waits for itself, by way of: {', '.join(ring[1:-1]) or 'nothing'}."
