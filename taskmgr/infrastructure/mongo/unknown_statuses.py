"""Counts the tasks whose status the policy lacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pymongo.database import Database


def count_unknown_statuses(database: Database[Any], known: Collection[str]) -> Mapping[str, int]:
    """Returns the number of tasks, including those in the bin, in each status that is not known.

    This is fast, because the index `status_due` skips the known statuses.
    """
    pipeline: list[dict[str, Any]] = [
        {"$match": {"binned": {"$in": [True, False]}, "status": {"$nin": list(known)}}},
        {"$group": {"_id": "$status", "tasks": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    return {row["_id"]: row["tasks"] for row in database["tasks"].aggregate(pipeline)}
