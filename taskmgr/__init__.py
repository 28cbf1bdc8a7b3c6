"""A task-management service for internal teams.

A script begins here:

    import taskmgr

    with taskmgr.connect() as services:
        ada = services.actor("ada")
        services.tasks.create(title="Write the report", by=ada)

The names in `__all__` are what scripts may import; everything else is internal. They are loaded on first
use, so that the command line starts quickly.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from taskmgr.version import __version__

if TYPE_CHECKING:
    from taskmgr.domain.model.commands import Operation, ProjectChanges, TaskChanges, UserChanges
    from taskmgr.domain.model.errors import (
        AlreadyAssigned,
        CannotStart,
        Closed,
        DomainError,
        EmailTaken,
        Invalid,
        NotFound,
        NotPermitted,
        ProjectKeyTaken,
        Refused,
        Stale,
        Unavailable,
        UsernameTaken,
    )
    from taskmgr.domain.model.priority import Priority
    from taskmgr.domain.model.project import Project
    from taskmgr.domain.model.task import Task
    from taskmgr.domain.model.user import Actor, Kind, Role, User
    from taskmgr.domain.model.workflow import CLOSED, OPEN, Category
    from taskmgr.domain.queries.activity_query import ActivityQuery
    from taskmgr.domain.queries.task_query import Sort, Span, TaskQuery
    from taskmgr.domain.queries.user_query import UserQuery
    from taskmgr.domain.services import Services
    from taskmgr.domain.services.bulk_results import BulkRefused, UnexpectedCount
    from taskmgr.domain.services.feed import ResyncRequired

__all__ = [
    "CLOSED",
    "OPEN",
    "ActivityQuery",
    "Actor",
    "AlreadyAssigned",
    "BulkRefused",
    "CannotStart",
    "Category",
    "Closed",
    "DomainError",
    "EmailTaken",
    "Invalid",
    "Kind",
    "NotFound",
    "NotPermitted",
    "Operation",
    "Priority",
    "Project",
    "ProjectChanges",
    "ProjectKeyTaken",
    "Refused",
    "ResyncRequired",
    "Role",
    "Services",
    "Sort",
    "Span",
    "Stale",
    "Task",
    "TaskChanges",
    "TaskQuery",
    "Unavailable",
    "UnexpectedCount",
    "User",
    "UserChanges",
    "UserQuery",
    "UsernameTaken",
    "__version__",
    "connect",
]

# Written out in full, so that a search for a module's name finds this table.
_MODULES = {
    "taskmgr.domain.model.commands": ("Operation", "ProjectChanges", "TaskChanges", "UserChanges"),
    "taskmgr.domain.model.errors": (
        "AlreadyAssigned", "CannotStart", "Closed", "DomainError", "EmailTaken", "Invalid", "NotFound",
        "NotPermitted", "ProjectKeyTaken", "Refused", "Stale", "Unavailable", "UsernameTaken",
    ),
    "taskmgr.domain.model.priority": ("Priority",),
    "taskmgr.domain.model.project": ("Project",),
    "taskmgr.domain.model.task": ("Task",),
    "taskmgr.domain.model.user": ("Actor", "Kind", "Role", "User"),
    "taskmgr.domain.model.workflow": ("CLOSED", "OPEN", "Category"),
    "taskmgr.domain.queries.activity_query": ("ActivityQuery",),
    "taskmgr.domain.queries.task_query": ("Sort", "Span", "TaskQuery"),
    "taskmgr.domain.queries.user_query": ("UserQuery",),
    "taskmgr.domain.services": ("Services",),
    "taskmgr.domain.services.bulk_results": ("BulkRefused", "UnexpectedCount"),
    "taskmgr.domain.services.feed": ("ResyncRequired",),
}  # fmt: skip
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:  # with __getattr__, a type checker would accept any attribute

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return __all__


def connect() -> AbstractContextManager[Services]:
    """Returns a context manager that opens the database of the `TASKMGR_…` settings as `Services`.

    If the service is running, its database is used; otherwise the database is started on entry and
    stopped on exit. Raises `CannotStart` if it cannot be started, reached or used.
    """
    from taskmgr.bootstrap import open_services
    from taskmgr.settings import Settings

    return open_services(Settings.from_env())
