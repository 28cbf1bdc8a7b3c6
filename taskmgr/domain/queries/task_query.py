"""A query for tasks: the filters, the sort, and what both depend on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.workflow import Category

TASK_SORTS = ("due_date", "priority", "created_at", "updated_at", "status_changed_at", "title", "key", "rank")


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of an order. Undated tasks come last in ascending order of due date, first in descending."""

    key: str
    descending: bool = False


NEWEST_FIRST = (Sort("created_at", descending=True),)
# By how well a task matches the search words; see `search.py`.
BEST_MATCH_FIRST = (Sort("match", descending=True), *NEWEST_FIRST)


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time; an end that is None is open.

    A `datetime` is inclusive as a start and exclusive as an end. A `date` stands for the whole day in the
    service's time zone, both as a start and as an end.
    """

    start: date | datetime | None = None
    end: date | datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskQuery:
    """Selects and sorts tasks. A task must pass every filter; a filter that is None or () passes all tasks.

    A tuple matches any of its values, except that `labels` and `words` (beginnings of words) require all
    of them: `words` in the task itself, or in one of its comments. `projects` are keys or ids of projects.
    None among `assignee_ids` means unassigned, and among `parent_ids` without a parent. `blocked_by`
    selects the tasks that wait for any of these tasks; `except_id` leaves one task out. `binned` selects
    either the tasks in the bin or those outside it. `blocked` and `overdue` are judged when the query runs.

    Without a `sort` the newest tasks come first, or with `words` the best matches. Tasks with equal keys
    are sorted by id, in the direction of the last key.

    To add a filter: add a field here and its parser in `validation.py`. If its result can change as time
    goes by without a write, include it in `depends_on_time`; otherwise caches of lists go stale.
    """

    ids: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
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
        """The sort that applies: the given one, or the default."""
        return self.sort or (BEST_MATCH_FIRST if self.words else NEWEST_FIRST)

    @property
    def depends_on_time(self) -> bool:
        """Whether the same query can return other tasks later although nothing has been written.

        Spans do not: their bounds are fixed when the query is built.
        """
        return self.overdue is not None


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What a query is evaluated against.

    `overdue` needs the present time, `blocked` and `categories` the workflow, and dates the time zone.
    """

    now: datetime
    policy: Policy
