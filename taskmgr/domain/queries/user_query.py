"""A query for users, and users together with their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from taskmgr.domain.model.user import Role, User

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class UserQuery:
    """Selects users. A user must pass every filter; a filter that is None or () passes all users.

    A tuple matches any of its values, except that all of `words` must occur: each is the beginning of a
    word of the username or the name.
    """

    usernames: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
    roles: tuple[Role, ...] | None = None
    active: bool | None = None


ALL_USERS = UserQuery()


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCounts:
    """Counts of a user's open tasks outside the bin.

    `overdue` counts those past their due date, `blocked` those with an unresolved blocker, `started` those
    in a started status, and `urgent` those whose stored priority is urgent.
    """

    open: int = 0
    overdue: int = 0
    blocked: int = 0
    started: int = 0
    urgent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UserWithTasks(Generic[T]):
    """A user and the first of the tasks assigned to them: open first, soonest due, undated last.

    The tasks are entities (`Task`) or records (`TaskRecord`). `tasks_total` and `counts` cover all their
    tasks, or those of some projects. `started_total` counts the started tasks of all projects, and
    `wip_room` is how many more tasks they may start; None means no limit.
    """

    user: User
    tasks: Sequence[T] = field(default_factory=tuple)
    tasks_total: int = 0
    counts: TaskCounts = TaskCounts()
    started_total: int = 0
    wip_room: int | None = None
