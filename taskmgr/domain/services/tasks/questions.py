"""Answers questions about tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest, iterate_pages
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.tasks.fields import resolved
from taskmgr.domain.services.tasks.transitions import Transition, find_transitions


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskQuestions:
    """Reads tasks. Every method raises `NotPermitted` if the actor may not read."""

    store: Store
    policy: Policy
    clock: Clock

    def get(self, task_id: str, *, by: Actor) -> Task:
        """Returns a task outside the bin. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return self.store.tasks.get(task_id)

    def get_record(self, task_id: str, *, by: Actor) -> TaskRecord:
        """Returns the record of a task outside the bin. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return self.store.tasks.get_record(task_id, self.policy.workflow)

    def list(
        self, query: TaskQuery = TaskQuery(), page_request: PageRequest = PageRequest(), *, by: Actor
    ) -> Page[Task]:
        """Returns a page of the tasks that match. Raises `Invalid` with every mistake in the query."""
        permissions.require(by, Action.READ)
        return self.store.tasks.find(self._resolved(query), page_request, self._context())

    def list_records(self, query: TaskQuery, page_request: PageRequest, *, by: Actor) -> Page[TaskRecord]:
        """Returns the page that `list` returns, as records. Raises `Invalid` as `list` does."""
        permissions.require(by, Action.READ)
        return self.store.tasks.find_records(self._resolved(query), page_request, self._context())

    def iterate(self, query: TaskQuery = TaskQuery(), *, by: Actor) -> Iterator[Task]:
        """Yields all tasks that match, reading page by page. Raises `Invalid` as `list` does."""
        return iterate_pages(lambda page_request: self.list(query, page_request, by=by))

    def category(self, task: Task) -> Category | None:
        """Returns the category of the task's status, or None if the policy lacks the status."""
        return self.policy.workflow.category(task.status)

    def transitions(self, task_id: str, *, by: Actor) -> Sequence[Transition]:
        """Returns, for every status of the workflow, whether the actor may move the task there.

        A move to the present status is allowed. Raises `NotFound`.
        """
        permissions.require(by, Action.READ)

        def command() -> Sequence[Transition]:
            task = self.store.tasks.get(task_id)
            return find_transitions(self.store, self.policy, task, by=by, now=self.clock())

        # A transaction, although nothing is written: the task and the facts are of one moment.
        return self.store.unit_of_work.run(command)

    def _resolved(self, query: TaskQuery) -> TaskQuery:
        return resolved(self.store, query, self.policy)

    def _context(self) -> QueryContext:
        return QueryContext(self.clock(), self.policy)
