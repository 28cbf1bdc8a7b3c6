"""Which statuses stored tasks have that a policy lacks: with these the service must not start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pymongo.database import Database


def count_unknown_statuses(database: Database[Any], known: Collection[str]) -> Mapping[str, int]:
    """How many tasks have each status that is not among the known ones, the bin included.

    Cheap: the index `status_due` skips over the known ones.
    """
    pipeline: list[dict[str, Any]] = [
        {"$match": {"binned": {"$in": [True, False]}, "status": {"$nin": list(known)}}},
        {"$group": {"_id": "$status", "tasks": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    return {row["_id"]: row["tasks"] for row in database["tasks"].aggregate(pipeline)}
