"""`ActivityRepository` on the collection `activity`."""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.activity import Change
from taskmgr.domain.query import ActivityQuery, Page, Window
from taskmgr.infrastructure import mappers
from taskmgr.infrastructure.driver_errors import translates
from taskmgr.infrastructure.repositories import keyset
from taskmgr.infrastructure.repositories.gathering import insert
from taskmgr.infrastructure.repositories.keyset import Filter
from taskmgr.infrastructure.repositories.writing import stored

_NEWEST = [("at", -1), ("_id", -1)]


def _filters(query: ActivityQuery) -> Filter:
    given: Filter = {
        "entity": query.entity,
        "entity_id": query.entity_id and ObjectId(query.entity_id),
        "by": query.by,
        "kind": query.kinds and {"$in": list(query.kinds)},
        "change_set": query.change_set,
    }
    bounds = {"$gte": query.at_from, "$lt": query.at_to}
    given["at"] = {sign: at for sign, at in bounds.items() if at is not None} or None
    found = {field: value for field, value in given.items() if value is not None}
    return {"$and": [found, {"entity": {"$ne": "user"}}]} if query.but_users else found


@translates
class MongoActivityRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._activity = database["activity"]

    def append(self, change: Change) -> None:
        insert(self._activity, stored(mappers.change_document(change)))

    def find(self, query: ActivityQuery, window: Window) -> Page[Change]:
        return keyset.page(self._activity, _filters(query), _NEWEST, window, mappers.change)
