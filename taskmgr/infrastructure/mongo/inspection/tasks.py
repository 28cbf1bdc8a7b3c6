"""What must hold of every stored task by itself, whatever was overridden."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.workflow import Category, Workflow

_NAMED = 5  # how many tasks a finding names


def against_task(task: Task, user_ids: Collection[str], policy: Policy) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with one task, as codes and sentences."""
    if task.assignee_id is not None and task.assignee_id not in user_ids:
        yield "unknown_user", f"Its assignee {task.assignee_id} does not exist."
    if is_identifier(task.created_by) and task.created_by not in user_ids:
        yield "unknown_user", f"Its creator {task.created_by} does not exist."
    if task.status not in policy.workflow.categories:  # for `Statuses` to report
        return
    category = policy.workflow.category(task.status)
    if category is Category.STARTED and task.assignee_id is None:
        yield "unassigned", f"It is {task.status}, but assigned to nobody."
    if category is Category.STARTED and task.started_at is None:
        yield "times", f"It is {task.status}, but started_at is empty."
    if (task.completed_at is not None) is not (category is Category.COMPLETED):
        yield "times", f"It is {task.status}, but completed_at is {task.completed_at}."
    moments = (task.status_changed_at, task.started_at, task.completed_at, task.deleted_at)
    if any(at is not None and not task.created_at <= at <= task.updated_at for at in moments):
        yield "times", "Not all of its times lie between created_at and updated_at."


class Statuses:
    """Counts the tasks that are in a status that the policy lacks."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._count: dict[str, int] = {}
        self._first: dict[str, list[str]] = {}

    def note(self, task: Task) -> None:
        """Takes a task into account."""
        if task.status in self._workflow.categories:
            return
        self._count[task.status] = self._count.get(task.status, 0) + 1
        if self._count[task.status] <= _NAMED:
            self._first.setdefault(task.status, []).append(task.id)

    def unknown(self) -> Iterator[tuple[str, str, str]]:
        """Yields a finding for each status that the policy lacks."""
        for status, count in sorted(self._count.items()):
            named = ", ".join(self._first[status]) + (", …" if count > _NAMED else "")
            detail = f"The policy has no status {status!r}, which {count} have: {named}."
            yield "tasks", "unknown_status", detail
