"""Checks tasks one by one against the rules that nobody can override."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.domain.rules.wording import counted

_MAX_NAMED = 5  # tasks that one finding lists


def check_task(task: Task, user_ids: Collection[str], policy: Policy) -> Iterator[tuple[str, str]]:
    """Yields the findings about one task, as codes and sentences."""
    if task.assignee_id is not None and task.assignee_id not in user_ids:
        yield "unknown_user", f"Its assignee {task.assignee_id} does not exist."
    if is_identifier(task.created_by) and task.created_by not in user_ids:
        yield "unknown_user", f"Its creator {task.created_by} does not exist."
    if task.status not in policy.workflow.categories:  # `UnknownStatuses` reports it
        return
    category = policy.workflow.category(task.status)
    if category is Category.STARTED and task.assignee_id is None:
        yield "unassigned", f"Its status is {task.status}, but it has no assignee."
    if category is Category.STARTED and task.started_at is None:
        yield "times", f"Its status is {task.status}, but started_at is empty."
    if (task.completed_at is not None) is not (category is Category.COMPLETED):
        completed = "empty" if task.completed_at is None else f"{task.completed_at}"
        yield "times", f"Its status is {task.status}, but completed_at is {completed}."
    moments = (task.status_changed_at, task.started_at, task.completed_at, task.deleted_at)
    if any(at is not None and not task.created_at <= at <= task.updated_at for at in moments):
        yield "times", "Not all of its times lie between created_at and updated_at."


class UnknownStatuses:
    """Counts the tasks in each status that the policy lacks."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._counts: dict[str, int] = {}
        self._first_ids: dict[str, list[str]] = {}

    def add(self, task: Task) -> None:
        """Counts the task if the policy lacks its status."""
        if task.status in self._workflow.categories:
            return
        self._counts[task.status] = self._counts.get(task.status, 0) + 1
        if self._counts[task.status] <= _MAX_NAMED:
            self._first_ids.setdefault(task.status, []).append(task.id)

    def findings(self) -> Iterator[tuple[str, str, str]]:
        """Yields a finding for each status that the policy lacks."""
        for status, count in sorted(self._counts.items()):
            ids = ", ".join(self._first_ids[status]) + (", …" if count > _MAX_NAMED else "")
            tasks = f"{counted(count, 'task')} {'has' if count == 1 else 'have'}"
            detail = f"{tasks} the status {status!r}, which is not in the policy: {ids}."
            yield "tasks", "unknown_status", detail
