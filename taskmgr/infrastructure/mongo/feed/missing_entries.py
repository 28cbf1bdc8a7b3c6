"""Finds the entries of the log that the feed lacks, by comparing the two collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from bson import Timestamp
from pymongo.database import Database

from taskmgr.infrastructure.mongo.client import with_any_text, without_deadline
from taskmgr.infrastructure.mongo.feed.insert_stream import MAX_BATCH

# Entries that were written by earlier releases may be older than the version before, so the versions of an
# entity are sorted by the latest time among them and the versions before.
_IN_ORDER: list[dict[str, Any]] = [
    {"$project": {"at": True, "entity_id": True, "version": True}},
    {
        "$setWindowFields": {
            "partitionBy": "$entity_id",
            "sortBy": {"version": 1},
            "output": {"at": {"$max": "$at", "window": {"documents": ["unbounded", "current"]}}},
        }
    },
    {"$sort": {"at": 1, "version": 1, "_id": 1}},
    {"$project": {"_id": True}},
]
_NOT_IN_FEED: list[dict[str, Any]] = [
    {
        "$lookup": {
            "from": "feed",
            "localField": "_id",
            "foreignField": "entry",
            "pipeline": [{"$project": {"_id": True}}],
            "as": "numbers",
        }
    },
    {"$match": {"numbers": []}},
]


def find_missing(database: Database[Any], moment: Timestamp) -> Iterator[list[Mapping[str, Any]]]:
    """Yields the entries of the log that the feed lacks as of a moment, in batches.

    They are sorted by time, and the versions of an entity ascend. Sorting takes place on the server, which
    uses temporary files for it.
    """
    activity, feed = with_any_text(database["activity"]), database["feed"]
    is_new = feed.find_one({}, {"_id": True}) is None
    command = {
        "aggregate": "activity",
        "pipeline": _IN_ORDER if is_new else [*_NOT_IN_FEED, *_IN_ORDER],
        "allowDiskUse": True,
        "cursor": {"batchSize": 10_000},
        "readConcern": {"level": "snapshot", "atClusterTime": moment},
    }
    with database.client.start_session(causal_consistency=False) as session:
        with without_deadline():
            rows = database.cursor_command(command, session=session)
        while batch := [row["_id"] for row in islice(rows, MAX_BATCH)]:
            by_id = {row["_id"]: row for row in activity.find({"_id": {"$in": batch}})}
            yield [by_id[entry_id] for entry_id in batch if entry_id in by_id]
