"""`WatchRepository` on the collection `watches`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.infrastructure.mongo.documents.draft import draft_of
from taskmgr.infrastructure.mongo.documents.inbox import WatchDocument
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import validated_row


@raises_domain_errors
class MongoWatchRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._watches = database["watches"]

    def add(self, task_id: str, user_id: str, at: datetime) -> None:
        values = {"task_id": ObjectId(task_id), "user_id": ObjectId(user_id), "at": at}
        row = validated_row(draft_of(WatchDocument, id=_key(task_id, user_id), **values))
        count_write()
        self._watches.update_one({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)

    def remove(self, task_id: str, user_id: str) -> None:
        count_write()
        self._watches.delete_one({"_id": _key(task_id, user_id)})

    def exists(self, task_id: str, user_id: str) -> bool:
        return self._watches.find_one({"_id": _key(task_id, user_id)}, {"_id": True}) is not None

    def watchers(self, task_ids: Collection[str]) -> Mapping[str, Set[str]]:
        watchers: dict[str, set[str]] = {}
        for row in self._watches.find({"task_id": {"$in": [ObjectId(task_id) for task_id in task_ids]}}):
            watchers.setdefault(str(row["task_id"]), set()).add(str(row["user_id"]))
        return watchers


def _key(task_id: str, user_id: str) -> str:
    return f"{task_id}:{user_id}"
