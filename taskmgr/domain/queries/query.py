"""What can be asked of the lists: filters, sorts and pages, free of how a store answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.user import Role, User
from taskmgr.domain.model.workflow import Category

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
TASK_SORTS = ("due_date", "priority", "created_at", "updated_at", "status_changed_at", "title")


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order. Undated tasks come last by ascending due date, first by descending."""

    key: str
    descending: bool = False


NEWEST_FIRST = (Sort("created_at", descending=True),)
# How well a task matches the words that are looked for (`domain/queries/search.py`).
BEST_MATCH_FIRST = (Sort("match", descending=True), *NEWEST_FIRST)


@dataclass(frozen=True, slots=True)
class Span:
    """From one bound on and up to another; None leaves that end open.

    A moment is inclusive where it begins a span and exclusive where it ends one. A date means its
    whole day in the service's time zone, at either end.
    """

    start: date | datetime | None = None
    end: date | datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskQuery:
    """Which tasks, and in what order. Filters are ANDed; None means no filter.

    A tuple of values means any of them; in `assignee_ids` and `parent_ids` None stands for "nobody" and "no
    parent". `labels` and `words` (beginnings of words) mean all of them; `blocked_by` means waiting for any
    of them; `except_id` is one to leave out. `blocked` and `overdue` are as of the moment of the question.
    `binned` chooses between the tasks outside the bin and those inside. Without a `sort` the newest come
    first, and with `words` the best match. Equal keys are ordered by id, in the direction of the last key.
    """

    ids: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    categories: tuple[Category, ...] | None = None
    priorities: tuple[Priority, ...] | None = None
    assignee_ids: tuple[str | None, ...] | None = None
    created_by: tuple[str, ...] | None = None
    labels: tuple[str, ...] = ()
    parent_ids: tuple[str | None, ...] | None = None
    blocked_by: tuple[str, ...] | None = None
    blocked: bool | None = None
    overdue: bool | None = None
    dated: bool | None = None
    due: Span | None = None
    created: Span | None = None
    updated: Span | None = None
    words: tuple[str, ...] = ()
    except_id: str | None = None
    binned: bool = False
    sort: tuple[Sort, ...] = ()

    @property
    def order(self) -> tuple[Sort, ...]:
        """The sort that holds."""
        return self.sort or (BEST_MATCH_FIRST if self.words else NEWEST_FIRST)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a query's words mean: `overdue` takes a moment, `blocked` a workflow, a date a time zone."""

    now: datetime
    policy: Policy


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: the sort keys' values of the last item seen, and its id.

    The next page begins behind it, whatever has been inserted or removed meanwhile.
    """

    keys: tuple[Any, ...]
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Some items in order; `next` is where the following page begins, None at the end.

    `as_of` is what `Health.latest_write` told at the moment of which the items are, or before.
    """

    items: Sequence[T]
    next: Position | None = None
    total: int | None = None
    as_of: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which part of a list: at most `limit` items behind a position, counted in all where asked."""

    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    with_total: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class UserQuery:
    """Which users. Filters are ANDed; None means no filter, and a tuple any of its values.

    `words` are beginnings of words of the username or the name, all of which must occur.
    """

    usernames: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
    roles: tuple[Role, ...] | None = None
    active: bool | None = None


EVERYBODY = UserQuery()


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityQuery:
    """Which entries of the log, newest first; None means no filter.

    `at_from` is inclusive, `at_to` exclusive. `but_users` leaves out what was done to users.
    """

    entity: str | None = None
    but_users: bool = False
    entity_id: str | None = None
    by: str | None = None
    kinds: tuple[str, ...] | None = None
    change_set: str | None = None
    at_from: datetime | None = None
    at_to: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCounts:
    """How many of a user's tasks outside the bin are open, and how many of these are something more.

    `overdue` by the service's clock, `blocked` by an unresolved blocker, `started` in a started
    status, `urgent` by the stored priority.
    """

    open: int = 0
    overdue: int = 0
    blocked: int = 0
    started: int = 0
    urgent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UserWithTasks(Generic[T]):
    """A user and the first of the tasks assigned to them: open first, soonest due, undated last.

    The tasks are entities (`Task`) or records (`ports.reads.TaskRecord`). `tasks_total`
    and `counts` are of all their tasks. `wip_room` is how many more they may start; None is without limit.
    """

    user: User
    tasks: Sequence[T] = field(default_factory=tuple)
    tasks_total: int = 0
    counts: TaskCounts = TaskCounts()
    wip_room: int | None = None
