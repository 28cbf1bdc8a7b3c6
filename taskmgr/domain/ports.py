"""What the domain needs from outside, as protocols; the docstrings are the contract.

Every method may raise `Unavailable` when the store does not answer within the deadline. Ids are
24 lower-case hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Links, Task
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import Workflow
from taskmgr.domain.queries.query import (
    EVERYBODY,
    ActivityQuery,
    Frame,
    Page,
    TaskQuery,
    TaskRecord,
    UserQuery,
    UserWithTasks,
    Window,
)

T = TypeVar("T")

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class UnitOfWork(Protocol):
    """Runs commands as transactions."""

    def run(self, command: Callable[[], T], *, dry_run: bool = False, seconds: float | None = None) -> T:
        """What `command` answers, its writes committed together, or none of them where it raises.

        `command` may be run several times (writers that meet are retried) and so must have no
        effect outside the store; ids are made before, the clock is read inside. Inside another
        command it joins that one's transaction. With `dry_run` everything is done, answered and
        rolled back; inside another command that is possible only where that one is a dry run, too.
        `seconds` is another deadline than the usual one.
        """

    @property
    def change_set(self) -> str:
        """The id that all changes of the running command share. Only inside `run`."""

    @property
    def is_dry_run(self) -> bool:
        """Whether the running command will be rolled back in any case."""

    @property
    def is_gathering(self) -> bool:
        """Whether the running command is one of several in a `gathered` block, where an error of one
        of them does not roll back the transaction."""

    def gathered(self) -> AbstractContextManager[None]:
        """A block inside a command in which new tasks and log entries are stored together: when
        one is looked for, or at its end."""


class Locks(Protocol):
    def touch(self, name: str) -> None:
        """Makes commands that touch the same name exclude each other until they end."""


class TaskRepository(Protocol):
    """Tasks, those outside the bin unless a method says otherwise."""

    def get(self, task_id: str, *, binned: bool = False) -> Task:
        """The task outside the bin, or with `binned` the one inside. Raises `NotFound`."""

    def get_record(self, task_id: str, workflow: Workflow) -> TaskRecord:
        """What `get` answers, in the form in which it goes over the wire. Not inside a command."""

    def get_many(self, task_ids: Collection[str]) -> Mapping[str, Task]:
        """Those of the tasks that there are, by id."""

    def find(self, query: TaskQuery, window: Window, frame: Frame | None = None) -> Page[Task]:
        """A page of the tasks that match, in the query's order.

        The frame is needed where the query asks for spans, for `blocked` or for `overdue`.
        """

    def find_records(self, query: TaskQuery, window: Window, frame: Frame) -> Page[TaskRecord]:
        """What `find` answers, in the form in which it goes over the wire, all as of one moment."""

    def count(self, query: TaskQuery, frame: Frame | None = None) -> int:
        """How many tasks match."""

    def find_ids(self, query: TaskQuery, frame: Frame | None = None, *, limit: int) -> tuple[str, ...]:
        """The ids of at most `limit` tasks that match, in the query's order."""

    def links(self, task_ids: Collection[str], *, down: bool) -> Sequence[Links]:
        """The relations of these tasks, and of those that are one step further: with `down` of their
        subtasks, otherwise of the tasks that have one of them among their blockers."""

    def parents_of_subtasks(self, parent_ids: Collection[str]) -> Mapping[str, str]:
        """The subtasks of these tasks, each id with its parent's."""

    def waiting_for(self, task_ids: Collection[str], statuses: Collection[str]) -> Sequence[Task]:
        """The tasks in one of these statuses that have one of these tasks among their blockers."""

    def add(self, task: Task) -> None:
        """Stores a new task."""

    def replace(self, task: Task) -> None:
        """Stores the next version of a task. Raises `WriteConflict` where the stored version is
        not the one before."""

    def touch(self, task_ids: Collection[str]) -> None:
        """Makes this command and any other that touches or changes one of these tasks exclude
        each other. Leaves version, `updated_at` and log alone."""


class UserRepository(Protocol):
    def get(self, user_id: str) -> User:
        """Raises `NotFound`."""

    def get_by_username(self, username: str) -> User:
        """Raises `NotFound`."""

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, User]:
        """Those of the users that there are, by id."""

    def ids_by_username(self, usernames: Collection[str]) -> Mapping[str, str]:
        """Those of the usernames that there are, each with its user's id."""

    def usernames(self, user_ids: Collection[str]) -> Mapping[str, str]:
        """Those of the users that there are, each id with its username."""

    def find(self, window: Window, query: UserQuery = EVERYBODY) -> Page[User]:
        """Returns a page of the users that match, by username."""

    def find_with_tasks(
        self, window: Window, frame: Frame, query: UserQuery = EVERYBODY, *, tasks_limit: int
    ) -> Page[UserWithTasks[Task]]:
        """Returns a page of the users that match by username, each with at most `tasks_limit` of the
        tasks assigned to them (open ones before closed ones, each soonest due first, undated
        last), and with what is counted of all of them; `wip_room` is left to the policy. One
        aggregation a page."""

    def find_with_records(
        self, window: Window, frame: Frame, query: UserQuery = EVERYBODY, *, tasks_limit: int
    ) -> Page[UserWithTasks[TaskRecord]]:
        """The same with tasks in the form in which they go over the wire, all as of one moment. Not
        inside a command."""

    def add(self, user: User) -> None:
        """Stores a new user. Raises `UsernameTaken` or `EmailTaken`."""

    def replace(self, user: User) -> None:
        """Stores the next version. Raises `WriteConflict`, `UsernameTaken` or `EmailTaken`."""

    def touch(self, user_id: str) -> None:
        """As `TaskRepository.touch`; reading the user next costs nothing more."""

    def count_active_admins(self) -> int:
        """How many users are active and admins."""


class StatisticsRepository(Protocol):
    """Counts of tasks outside the bin. Asked inside one command, they are all of one moment."""

    def by_status(self, statuses: Collection[str]) -> Mapping[str, int]:
        """How many tasks each of these statuses has."""

    def by_priority(self, statuses: Collection[str]) -> Mapping[Priority, int]:
        """How many tasks in one of these statuses each priority has."""

    def by_assignee(self, statuses: Collection[str]) -> Mapping[str | None, int]:
        """How many tasks in one of these statuses each assignee has who has any; None is nobody."""

    def labels(self) -> Sequence[str]:
        """Returns every label in order, also those that only tasks in the bin have."""

    def by_label(self, labels: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Returns how many tasks have each of these labels, by status."""

    def overdue(self, statuses: Collection[str], now: datetime) -> int:
        """How many tasks in one of these statuses are past their due date."""

    def created(self, midnights: Sequence[datetime]) -> Sequence[int]:
        """How many tasks were created between each of these moments (in order) and the next."""

    def completed(self, midnights: Sequence[datetime]) -> Sequence[int]:
        """The same of those that are completed, by `completed_at`."""

    def finished(self, start: datetime, end: datetime) -> int:
        """How many tasks were completed in this time (its end excluded) and have a `started_at`."""

    def cycle_times(
        self, start: datetime, end: datetime, shorter: int, longer: int
    ) -> tuple[timedelta, timedelta]:
        """Of the times that these tasks took, in ascending order, those at two places.

        Places count from 1, and neither is beyond the number of `finished` tasks.
        """


class CommentRepository(Protocol):
    def get(self, comment_id: str) -> Comment:
        """Raises `NotFound`."""

    def find(self, task_id: str, window: Window) -> Page[Comment]:
        """A page of a task's comments, oldest first."""

    def add(self, comment: Comment) -> None:
        """Stores a new comment."""

    def replace(self, comment: Comment) -> None:
        """Stores the next version. Raises `WriteConflict`."""

    def remove(self, comment: Comment) -> None:
        """Forgets this version of a comment. Raises `WriteConflict` where it is another."""


class ActivityRepository(Protocol):
    def append(self, change: Change) -> None:
        """Adds one entry to the log. Raises `WriteConflict` where the entity has one of this version."""

    def was_assignee(self, task_id: str, user_id: str, *, since_in: Collection[str]) -> bool:
        """Returns whether the user has been the task's assignee at any time since the task last
        moved to one of these statuses, or since its creation if it never did."""

    def find(self, query: ActivityQuery, window: Window) -> Page[Change]:
        """A page of the entries that match, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredToken:
    """A token as the store keeps it, with its owner: what it takes to identify a caller."""

    token: Token
    secret_hash: bytes
    owner: User


class TokenRepository(Protocol):
    def get(self, token_id: str) -> Token:
        """Raises `NotFound`."""

    def of_user(self, user_id: str) -> Sequence[Token]:
        """A user's tokens, newest first."""

    def with_owner(self, token_id: str) -> StoredToken | None:
        """A token together with its owner, or None."""

    def touch(self, token_id: str) -> None:
        """As `TaskRepository.touch`."""

    def add(self, token: Token, secret_hash: bytes) -> None:
        """Stores a new token."""

    def remove(self, token_id: str) -> None:
        """Forgets a token; no error where there is none."""

    def used(self, token_id: str, at: datetime) -> None:
        """Notes that a token was used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """An answer as it went out."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownAnswer:
    """A remembered answer, and what tells its request from others."""

    fingerprint: bytes
    answer: Remembered


class AnswerRepository(Protocol):
    """Answers that are kept for a while, by caller and key."""

    def get(self, caller: str, key: str, *, now: datetime) -> KnownAnswer | None:
        """The answer to the request of this key, or None; one that has expired is none."""

    def reserve(self, caller: str, key: str, expires_at: datetime) -> None:
        """Claims a key. Raises `WriteConflict` where another transaction is just doing the same."""

    def keep(self, caller: str, key: str, fingerprint: bytes, answer: Remembered) -> None:
        """Stores the answer to the request of a reserved key."""


class Credentials(Protocol):
    """How tokens are made and recognised."""

    def new_secret(self) -> str:
        """A secret that cannot be guessed."""

    def hash(self, secret: str) -> bytes:
        """What is stored of a secret."""

    def matches(self, secret: str, secret_hash: bytes) -> bool:
        """Whether the hash is of this secret, in time that tells nothing of where they differ."""


class Health(Protocol):
    def check(self) -> None:
        """Raises `Unavailable` unless the store can take a write now."""

    def latest_write(self) -> str | None:
        """A text that changes with every write that a reader may see; None where nobody can tell.

        What is read after it was told is at least as new.
        """

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Bounds all that is asked of the store inside the block; a deadline further out stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """All the ports of one store."""

    unit_of_work: UnitOfWork
    tasks: TaskRepository
    users: UserRepository
    statistics: StatisticsRepository
    comments: CommentRepository
    activity: ActivityRepository
    tokens: TokenRepository
    answers: AnswerRepository
    locks: Locks
    health: Health
