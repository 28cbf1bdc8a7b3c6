"""Reads the keys of tasks, by which people know them better than by their ids."""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.values import is_identifier

_TASK = "task "


def read_key(database: Database[Any], subject: str) -> str | None:
    """Returns the present key of the task that a finding is about, or None."""
    task_id = subject.removeprefix(_TASK)
    if task_id == subject or not is_identifier(task_id):
        return None
    row = database["tasks"].find_one({"_id": ObjectId(task_id)}, {"key": True})
    key = None if row is None else row.get("key")
    return key if isinstance(key, str) else None
