"""What lists and statistics read.

Records stand for tasks that are only shown. They are made from the stored form without an entity in between,
because building entities doubles the time of a list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import Workflow
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.queries.statistics import CycleTime, ProjectCounts
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.domain.queries.user_query import ALL_USERS, UserQuery, UserWithTasks


class TaskRecord(Protocol):
    """A task that is only shown. Several responses share one record, so nobody may change its fields."""

    @property
    def id(self) -> str:
        """The task's id."""

    @property
    def version(self) -> int:
        """The task's version."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The task's fields and its `category`: texts, numbers, lists of texts, and None.

        Instants are texts as `format_instant` makes them.
        """

    def __getitem__(self, name: str) -> Any:
        """Returns the field of this name."""

    def to_json(self) -> bytes:
        """Returns the fields as a JSON object in UTF-8."""


class TaskReads(Protocol):
    """Reads tasks for lists. `get_record` and `find_records` must not be called inside a command."""

    def get_record(self, reference: str, workflow: Workflow) -> TaskRecord:
        """Returns the record of a task outside the bin, by id or key. Raises `NotFound`."""

    def find(
        self, query: TaskQuery, page_request: PageRequest, context: QueryContext | None = None
    ) -> Page[Task]:
        """Returns a page of the tasks that match, in the query's order.

        A search (`words`) may bound how many comments lead to tasks, if it keeps the newest ones.
        `context` is required if the query filters by dates, by `blocked` or by `overdue`.
        """

    def find_records(
        self, query: TaskQuery, page_request: PageRequest, context: QueryContext
    ) -> Page[TaskRecord]:
        """Returns the page that `find` returns, as records, all read at one moment."""

    def count(self, query: TaskQuery, context: QueryContext | None = None) -> int:
        """Returns how many tasks match."""


class UserReads(Protocol):
    """Reads users for lists. `find_with_records` must not be called inside a command."""

    def find(self, page_request: PageRequest, query: UserQuery = ALL_USERS) -> Page[User]:
        """Returns a page of the users that match, by username."""

    def find_with_tasks(
        self,
        page_request: PageRequest,
        context: QueryContext,
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int,
        projects: Collection[str] | None = None,
    ) -> Page[UserWithTasks[Task]]:
        """Returns a page of the users that match, by username, with the tasks assigned to them.

        Each user has at most `tasks_limit` tasks: open ones before closed ones, each by due date with
        undated ones last. The counts are of all of the user's tasks. With `projects`, their keys, the tasks
        and all counts but `started_total` are those of these projects. `wip_room` is left None. A page
        takes one call to the store.
        """

    def find_with_records(
        self,
        page_request: PageRequest,
        context: QueryContext,
        query: UserQuery = ALL_USERS,
        *,
        tasks_limit: int,
        projects: Collection[str] | None = None,
    ) -> Page[UserWithTasks[TaskRecord]]:
        """Returns the page that `find_with_tasks` returns, with records, all read at one moment."""


class StatisticsRepository(Protocol):
    """Counts tasks outside the bin. Counts made inside one command are of one moment."""

    def of_projects(self, keys: Collection[str] | None) -> StatisticsRepository:
        """Returns this repository restricted to the tasks of these projects; with None, unrestricted."""

    def by_status(self, statuses: Collection[str]) -> Mapping[str, int]:
        """Returns how many tasks are in each of these statuses."""

    def by_priority(self, statuses: Collection[str]) -> Mapping[Priority, int]:
        """Returns how many tasks in one of these statuses have each priority."""

    def by_assignee(self, statuses: Collection[str], now: datetime) -> Mapping[str | None, tuple[int, int]]:
        """Returns how many tasks in one of these statuses each assignee has, and how many are overdue.

        Users without such tasks are left out. The key None counts unassigned tasks.
        """

    def labels(self) -> Sequence[str]:
        """Returns every label in order, including labels that no counted task has."""

    def by_label(self, labels: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Returns how many tasks have each of these labels, by status."""

    def by_project(
        self, keys: Collection[str], statuses: Collection[str], *, now: datetime, since: datetime
    ) -> Mapping[str, ProjectCounts]:
        """Returns the counts of each of these projects, in one call to the store.

        Tasks in one of these statuses are open; those completed at `since` or later are recently completed.
        """

    def overdue(self, statuses: Collection[str], now: datetime) -> int:
        """Returns how many tasks in one of these statuses are past their due date."""

    def created(self, midnights: Sequence[datetime]) -> Sequence[int]:
        """Returns how many tasks were created between each of these ascending moments and the next."""

    def completed(self, midnights: Sequence[datetime]) -> Sequence[int]:
        """Returns how many tasks were completed between each of these ascending moments and the next."""

    def finished(self, start: datetime, end: datetime) -> int:
        """Returns how many tasks with a `started_at` were completed from `start` on and before `end`."""

    def cycle_times(
        self, start: datetime, end: datetime, shorter: int, longer: int
    ) -> tuple[timedelta, timedelta]:
        """Returns the cycle times at two positions among those of the `finished` tasks, in ascending order.

        Positions count from 1; neither may exceed the number of `finished` tasks.
        """

    def latest_cycle_times(self, start: datetime, end: datetime, *, limit: int) -> Sequence[CycleTime]:
        """Returns the cycle times of the `finished` tasks that were completed last, the latest first."""

    def status_changes(self, moments: Sequence[datetime]) -> Sequence[Mapping[str, int]]:
        """Returns by how many tasks each status grew between each of these ascending moments and the next.

        The last mapping is about the time from the last moment up to the present. Tasks count that are
        counted now, for their whole history.
        """
