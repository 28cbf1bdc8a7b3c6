"""What can be asked of the lists: filters, sorts and pages, free of how a store answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from taskmgr.domain.priority import Priority
from taskmgr.domain.task import Task
from taskmgr.domain.user import User

T = TypeVar("T")

DEFAULT_LIMIT = 50
MOST_LIMIT = 200
TASK_SORTS = ("due_date", "priority", "created_at", "updated_at", "status_changed_at", "title")


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order. Undated tasks come last by ascending due date, first by descending."""

    key: str
    descending: bool = False


DEFAULT_SORT = (Sort("created_at", descending=True),)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskQuery:
    """Which tasks, and in what order. Filters are ANDed; None means no filter.

    A tuple of values means any of them; in `assignee_ids` None stands for "nobody". `labels`
    means all of them; `blocked_by` means waiting for any of them; `except_id` is one to leave out.
    `binned` chooses between the tasks outside the bin and those inside.
    Equal keys are ordered by id, in the direction of the last key.
    """

    ids: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    priorities: tuple[Priority, ...] | None = None
    assignee_ids: tuple[str | None, ...] | None = None
    labels: tuple[str, ...] = ()
    parent_ids: tuple[str, ...] | None = None
    blocked_by: tuple[str, ...] | None = None
    except_id: str | None = None
    binned: bool = False
    sort: tuple[Sort, ...] = DEFAULT_SORT


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: the sort keys' values of the last item seen, and its id.

    The next page begins behind it, whatever has been inserted or removed meanwhile.
    """

    keys: tuple[Any, ...]
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Some items in order; `next` is where the following page begins, None at the end."""

    items: Sequence[T]
    next: Position | None = None
    total: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which part of a list: at most `limit` items behind a position, counted in all where asked."""

    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    with_total: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivityQuery:
    """Which entries of the log, newest first; None means no filter.

    `at_from` is inclusive, `at_to` exclusive.
    """

    entity: str | None = None
    entity_id: str | None = None
    by: str | None = None
    kinds: tuple[str, ...] | None = None
    change_set: str | None = None
    at_from: datetime | None = None
    at_to: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UserWithTasks:
    """A user and the first of the tasks assigned to them: open first, soonest due, undated last."""

    user: User
    tasks: Sequence[Task] = field(default_factory=tuple)
    tasks_total: int = 0
