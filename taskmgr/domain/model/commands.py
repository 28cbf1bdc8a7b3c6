"""The arguments of commands as types, so that a type checker finds mistakes in a script before it runs.

The values are also checked when a command runs, by the parsers of each entity.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal, Required, TypedDict

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.view import Filters, Layout

Day = DueDate | date | str  # includes `datetime`, which is a `date`
# Not Sequence[str]: a single label is a sequence of its letters. Not a set: labels and blockers keep their
# order, and that of a set differs from run to run.
Names = list[str] | tuple[str, ...]


class Options(TypedDict, total=False):
    """The options of every command on a task.

    `reason` is kept in the log, `override` lifts the refusals that can be overridden, `version` is the
    version that the caller expects, and with `dry_run` nothing is stored.
    """

    reason: str | None
    override: bool
    version: int | None
    dry_run: bool


class Rank(TypedDict, total=False):
    """A place in the order by hand, by exactly one of these.

    `before` and `after` are the id or the key of another task of the project.
    """

    before: str
    after: str
    first: Literal[True]
    last: Literal[True]


class NewTask(TypedDict, total=False):
    """The fields of a new task; None is the same as leaving a field out."""

    title: Required[str]
    project: str | None
    description: str | None
    status: str | None
    priority: str | None
    due_date: Day | None
    assignee_id: str | None
    labels: Names | None
    parent_id: str | None
    blocked_by: Names | None


class TaskChanges(TypedDict, total=False):
    """New values for fields of a task; None empties the fields that can be empty."""

    project: str
    title: str
    description: str | None
    status: str
    priority: str
    due_date: Day | None
    assignee_id: str | None
    labels: Names | None
    parent_id: str | None
    blocked_by: Names | None
    rank: Rank


class Operation(TypedDict, total=False):
    """One operation of a bulk: `op`, and the arguments of the command of that name."""

    op: Required[
        Literal[
            "create", "change", "status", "priority", "assign", "rank", "bin", "restore", "block", "unblock"
        ]
    ]
    ref: str  # names the new task: `"ref:NAME"` then stands for its id in later operations
    id: str
    blocker_id: str
    before: str
    after: str
    first: Literal[True]
    last: Literal[True]
    project: str | None
    title: str
    description: str | None
    status: str | None
    priority: str | None
    due_date: Day | None
    assignee_id: str | None
    labels: Names | None
    parent_id: str | None
    blocked_by: Names | None
    rank: Rank
    reason: str | None
    override: bool
    version: int | None


class WhereChanges(TaskChanges, total=False):
    """The change that `change_where` makes to every task that matches, with its options."""

    reason: str | None
    override: bool


class NewUser(TypedDict, total=False):
    """The fields of a new user."""

    username: Required[str]
    name: Required[str]
    email: str | None
    role: str
    kind: str


class UserChanges(TypedDict, total=False):
    """New values for fields of a user."""

    username: str
    name: str
    email: str | None
    role: str
    kind: str
    active: bool


class NewProject(TypedDict, total=False):
    """The fields of a new project."""

    key: Required[str]
    name: Required[str]
    description: str | None


class ProjectChanges(TypedDict, total=False):
    """New values for fields of a project; `is_default` can only be made true."""

    name: str
    description: str | None
    archived: bool
    is_default: Literal[True]


class NewView(TypedDict, total=False):
    """The fields of a new view; without `filters` it has all tasks, and without `shared` it is private."""

    name: Required[str]
    filters: Filters | None
    sort: str | None
    layout: Layout | Mapping[str, object] | None
    shared: bool


class ViewChanges(TypedDict, total=False):
    """New values for fields of a view. `filters` and `layout` are replaced as a whole."""

    name: str
    filters: Filters
    sort: str | None
    layout: Layout | Mapping[str, object]
    shared: bool


class NewTokenFields(TypedDict, total=False):
    """The fields of a new token; without `scopes` it has all rights of its owner's role."""

    name: Required[str]
    scopes: Names | set[str] | frozenset[str] | None
    expires_at: datetime | str | None


class NewWebhookFields(TypedDict, total=False):
    """The fields of a new webhook; without `kinds` it gets all changes, without `project` of all projects."""

    url: Required[str]
    description: str | None
    kinds: Names
    project: str | None
    active: bool


class WebhookChanges(TypedDict, total=False):
    """New values for fields of a webhook."""

    url: str
    description: str | None
    kinds: Names
    project: str | None
    active: bool
