"""Compares the version of an entity that a caller has seen with the current one."""

from __future__ import annotations

from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.errors import Stale
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.view import View
from taskmgr.domain.model.webhook import Webhook


def require_version(current: Task | User | Comment | Project | Webhook | View, version: int | None) -> None:
    """Raises `Stale` if the caller has seen another version than that of the current state."""
    if version is not None and version != current.version:
        raise Stale(current, expected=version)
