"""`Locks` on the collection `locks`: one document per name, with a counter that each touch raises."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.writing import touch_one


@raises_domain_errors
class MongoLocks:
    def __init__(self, database: Database[Any]) -> None:
        self._locks = database["locks"]

    def touch(self, name: str) -> None:
        touch_one(self._locks, name, upsert=True)
