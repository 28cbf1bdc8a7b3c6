"""Finds the tasks that a search finds by their comments: those with a comment that has all its words.

A comment's words are stored with the comment. In the task, every comment would rewrite the task and conflict
with other changes of it. A list therefore reads the comments first, and then the tasks (docs/decisions/0008).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo.collection import Collection as MongoCollection

from taskmgr.infrastructure.mongo.reads.snapshots import Snapshot, find
from taskmgr.infrastructure.mongo.reads.task_filters import beginning_with

# How many comments of a search count, the newest first. Their tasks become part of the filter for tasks.
MAX_COMMENTS = 1_000

_NEWEST = {"_id": -1}
_TASK_ID = {"_id": False, "task_id": True}


def find_commented(comments: MongoCollection[Any], words: Collection[str]) -> Sequence[ObjectId]:
    """Returns the ids of the tasks; none for no words."""
    if not words:
        return ()
    cursor = comments.find({"words": beginning_with(words)}, _TASK_ID, batch_size=MAX_COMMENTS)
    return _task_ids(cursor.sort(_NEWEST).limit(MAX_COMMENTS))


def snapshot_commented(comments: MongoCollection[Any], words: Collection[str]) -> Snapshot:
    """Returns the same ids as of one moment; cannot be used inside a transaction."""
    if not words:
        return Snapshot((), None)
    filters = {"words": beginning_with(words)}
    found = find(comments, filters, projection=_TASK_ID, order=_NEWEST, limit=MAX_COMMENTS)
    return Snapshot(_task_ids(found.rows), found.at)


def _task_ids(rows: Iterable[Mapping[str, Any]]) -> Sequence[ObjectId]:
    return tuple(dict.fromkeys(row["task_id"] for row in rows))
