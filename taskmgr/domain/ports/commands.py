"""What commands need: transactions, locks, and repositories of entities.

A repository returns entities as they are stored at the moment of the running command. The methods for lists
are in `reads`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.task import Links, Task, TaskName
from taskmgr.domain.model.user import User
from taskmgr.domain.ports.reads import TaskReads, UserReads
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery

T = TypeVar("T")

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class UnitOfWork(Protocol):
    """Runs commands as transactions."""

    def run(self, command: Callable[[], T], *, dry_run: bool = False, seconds: float | None = None) -> T:
        """Runs `command` in a transaction and returns its result; if it raises, nothing is written.

        The store retries `command` after a conflict with another writer. So `command` must have no effect
        outside the store: make ids before it, and read the clock and the entities inside it. A `run` inside
        another command joins that command's transaction. With `dry_run` the transaction is rolled back and
        the result is returned all the same; inside another command that is allowed only if the outer
        command is a dry run, too. `seconds` replaces the usual deadline.
        """

    @property
    def change_set(self) -> str:
        """The id that all changes of the running command share. Only inside `run`."""

    @property
    def is_dry_run(self) -> bool:
        """Returns True if the running command will be rolled back in any case."""

    @property
    def is_gathering(self) -> bool:
        """Returns True inside a `gathered` block, where a failed operation rolls back no other."""

    def gathered(self) -> AbstractContextManager[None]:
        """Delays the inserts of new tasks and log entries inside a command, to store them in batches.

        They are stored when their collection is read, at the latest at the end of the block. A block inside
        another leaves them to that one.
        """


class Locks(Protocol):
    """Named locks, each held until the end of the command that touches it."""

    def touch(self, name: str) -> None:
        """Makes any two commands that touch this name conflict, so that one of them runs again."""


class TaskRepository(TaskReads, Protocol):
    """Stores tasks. Methods read tasks outside the bin unless they say otherwise.

    A `reference` is a task's id, its key in any case, or one of its former keys.
    """

    def get(self, reference: str, *, binned: bool = False) -> Task:
        """Returns a task outside the bin, or with `binned` one in the bin. Raises `NotFound`."""

    def ids_by_key(self, keys: Collection[str]) -> Mapping[str, str]:
        """Returns the present and former keys that exist among these, each with the id of its task.

        The keys are in upper case; the tasks may be in the bin.
        """

    def get_many(self, task_ids: Collection[str], *, with_binned: bool = False) -> Mapping[str, Task]:
        """Returns the tasks that exist among these, by id; with `with_binned` also those in the bin."""

    def find_ids(
        self, query: TaskQuery, context: QueryContext | None = None, *, limit: int
    ) -> tuple[str, ...]:
        """Returns the ids of at most `limit` tasks that match, in the query's order."""

    def find_names(self, query: TaskQuery, *, limit: int) -> tuple[TaskName, ...]:
        """Returns the names of at most `limit` tasks that match, in the query's order."""

    def names(self, task_ids: Collection[str]) -> Mapping[str, TaskName]:
        """Returns the names of the tasks that exist among these, by id, also of those in the bin."""

    def links(self, task_ids: Collection[str], *, down: bool) -> Sequence[Links]:
        """Returns the relations of these tasks and of their neighbours in one direction.

        With `down` the neighbours are the subtasks of these tasks; otherwise the tasks that have one of
        these as a blocker.
        """

    def parents_of_subtasks(self, parent_ids: Collection[str]) -> Mapping[str, str]:
        """Returns the subtasks of these tasks: each subtask's id with its parent's id."""

    def waiting_for(self, task_ids: Collection[str], statuses: Collection[str]) -> Sequence[Task]:
        """Returns the tasks in one of these statuses that have one of these tasks as a blocker."""

    def neighbours(
        self, project: str, task: Task | None, *, forward: bool, binned: bool, limit: int
    ) -> Sequence[Task]:
        """Returns the tasks that come after a task in the order by hand of a project, the nearest first.

        With `binned` these are tasks in the bin, otherwise tasks outside of it. Without `forward` these are
        the tasks before it. If `task` is None, they begin at the end of the order: with the first task of the
        project, or without `forward` with the last.
        """

    def add(self, task: Task) -> None:
        """Stores a new task. Raises `KeyTaken`."""

    def replace(self, task: Task) -> None:
        """Stores the next version of a task.

        Raises `WriteConflict` if the stored version is not the one before, and `KeyTaken`.
        """

    def replace_ranks(self, tasks: Sequence[Task]) -> None:
        """Stores the next versions of different tasks, in one call; only their ranks have changed.

        Raises `WriteConflict` if the stored version of one is not the one before.
        """

    def touch(self, task_ids: Collection[str]) -> None:
        """Makes this command conflict with any other that touches or changes one of these tasks.

        Leaves `version`, `updated_at` and the log as they are.
        """


class UserRepository(UserReads, Protocol):
    """Stores users."""

    def get(self, user_id: str) -> User:
        """Returns the user. Raises `NotFound`."""

    def get_by_username(self, username: str) -> User:
        """Returns the user of this name. Raises `NotFound`."""

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        """Returns the users that exist among these, by id."""

    def ids_by_username(self, usernames: Collection[str]) -> Mapping[str, str]:
        """Returns the usernames that exist among these, each with its user's id."""

    def usernames(self, user_ids: Collection[str]) -> Mapping[str, str]:
        """Returns the users that exist among these, each id with its username."""

    def add(self, user: User) -> None:
        """Stores a new user. Raises `UsernameTaken` or `EmailTaken`."""

    def replace(self, user: User) -> None:
        """Stores the next version of a user. Raises `WriteConflict`, `UsernameTaken` or `EmailTaken`."""

    def touch(self, user_id: str) -> None:
        """Does what `TaskRepository.touch` does, and reads the user, so the next `get` costs nothing."""

    def count_active_admins(self) -> int:
        """Returns how many users are active admins."""


class CommentRepository(Protocol):
    """Stores comments."""

    def get(self, comment_id: str) -> Comment:
        """Returns the comment. Raises `NotFound`."""

    def find(self, task_id: str, page_request: PageRequest) -> Page[Comment]:
        """Returns a page of a task's comments, oldest first."""

    def task_ids(self, comment_ids: Collection[str]) -> Mapping[str, str]:
        """Returns the comments that exist among these, each id with that of its task."""

    def texts(self, comment_ids: Collection[str]) -> Mapping[str, str]:
        """Returns the texts of the comments that exist among these, by id."""

    def authors(self, task_ids: Collection[str]) -> Mapping[str, Set[str]]:
        """Returns the ids of the authors of comments on these tasks, by task."""

    def add(self, comment: Comment) -> None:
        """Stores a new comment."""

    def replace(self, comment: Comment) -> None:
        """Stores the next version of a comment. Raises `WriteConflict`."""

    def remove(self, comment: Comment) -> None:
        """Deletes this version of a comment. Raises `WriteConflict` if another version is stored."""


class ActivityRepository(Protocol):
    """Stores the log."""

    def append(self, change: Change) -> None:
        """Adds one entry. Raises `WriteConflict` if the entity already has an entry of this version."""

    def was_assignee(self, task_id: str, user_id: str, *, since_in: Collection[str]) -> bool:
        """Returns True if the user has been the assignee since the task last moved to one of `since_in`.

        If it never moved to one of these statuses, the task's whole history counts.
        """

    def find(self, query: ActivityQuery, page_request: PageRequest) -> Page[Change]:
        """Returns a page of the entries that match, newest first."""
