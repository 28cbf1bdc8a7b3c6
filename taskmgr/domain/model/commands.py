"""What commands take, as types: with these a type checker finds mistakes in a script before it runs.

The values themselves are checked when a command runs (`values.py`, and the parsers of each entity), for
callers without a type checker too.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, Required, TypedDict

from taskmgr.domain.model.due_date import DueDate

Day = DueDate | date | str  # a `datetime` is a `date`, too
# Not any iterable of text: one label alone is such an iterable, of its letters.
Names = list[str] | tuple[str, ...] | set[str] | frozenset[str]


class Options(TypedDict, total=False):
    """What every command on a task takes besides its own values.

    `reason` is kept in the log, `override` lifts the refusals that can be overridden, `version` is the
    version that the caller has seen, and with `dry_run` nothing is kept.
    """

    reason: str | None
    override: bool
    version: int | None
    dry_run: bool


class NewTask(TypedDict, total=False):
    """The fields of a new task; None is the same as left out."""

    title: Required[str]
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

    title: str
    description: str | None
    status: str
    priority: str
    due_date: Day | None
    assignee_id: str | None
    labels: Names | None
    parent_id: str | None
    blocked_by: Names | None


class Operation(TypedDict, total=False):
    """One operation of a bulk: `op`, and what the command of that name takes."""

    op: Required[
        Literal["create", "change", "status", "priority", "assign", "bin", "restore", "block", "unblock"]
    ]
    ref: str  # names the new task: `"ref:NAME"` then stands for its id in later operations
    id: str
    blocker_id: str
    title: str
    description: str | None
    status: str | None
    priority: str | None
    due_date: Day | None
    assignee_id: str | None
    labels: Names | None
    parent_id: str | None
    blocked_by: Names | None
    reason: str | None
    override: bool
    version: int | None


class WhereChanges(TaskChanges, total=False):
    """The same change for every task of a query."""

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


class NewTokenFields(TypedDict, total=False):
    """The fields of a new token; without `scopes` it goes as far as its owner's role."""

    name: Required[str]
    scopes: Names | None
    expires_at: datetime | str | None
