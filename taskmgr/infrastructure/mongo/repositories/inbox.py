"""`InboxRepository` on the collections `inbox`, `inbox_positions` and `reminders`."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import InsertOne, ReplaceOne
from pymongo.database import Database

from taskmgr.domain.model.inbox import InboxItem
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.inbox import InboxPosition
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.draft import draft_of
from taskmgr.infrastructure.mongo.documents.inbox import ReminderDocument
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import validated_row

_NEWEST = [("at", -1), ("_id", -1)]


@raises_domain_errors
class MongoInboxRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._items = database["inbox"]
        self._positions = database["inbox_positions"]
        self._reminders = database["reminders"]

    def find(self, user_id: str, page_request: PageRequest, *, unread: bool) -> Page[InboxItem]:
        filters = _unread_of(user_id) if unread else {"user_id": ObjectId(user_id)}
        return keyset.page(self._items, filters, _NEWEST, page_request, mappers.item)

    def count_unread(self, user_id: str) -> int:
        return self._items.count_documents(_unread_of(user_id))

    def mark_read(
        self, user_id: str, *, at: datetime, ids: Collection[str] | None, up_to: datetime | None
    ) -> int:
        filters = _unread_of(user_id)
        if ids is not None:
            filters["_id"] = {"$in": [ObjectId(key) for key in ids if is_identifier(key)]}
        if up_to is not None:
            filters["at"] = {"$lte": up_to}
        count_write()
        return self._items.update_many(filters, {"$set": {"read_at": at}}).modified_count

    def find_unread(self, user_ids: Collection[str], since: datetime) -> Sequence[InboxItem]:
        ids = [ObjectId(user_id) for user_id in user_ids]
        filters = {"user_id": {"$in": ids}, "read_at": None, "at": {"$gte": since}}
        return [mappers.item(row) for row in self._items.find(filters).sort([("at", 1), ("_id", 1)])]

    def get_many(self, item_ids: Collection[str]) -> Sequence[InboxItem]:
        filters = {"_id": {"$in": [ObjectId(item_id) for item_id in item_ids]}}
        return [mappers.item(row) for row in self._items.find(filters).sort([("at", 1), ("_id", 1)])]

    def save(self, items: Collection[InboxItem]) -> None:
        if not items:
            return
        rows = [validated_row(mappers.item_document(item)) for item in items]
        count_write()
        self._items.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])

    def position(self, name: str) -> InboxPosition | None:
        row = self._positions.find_one({"_id": name})
        return None if row is None else mappers.position(row)

    def set_position(self, name: str, position: InboxPosition) -> None:
        row = validated_row(mappers.position_document(name, position))
        count_write()
        self._positions.replace_one({"_id": name}, row, upsert=True)

    def add_reminders(self, reminders: Collection[str], at: datetime) -> Set[str]:
        stored = {row["_id"] for row in self._reminders.find({"_id": {"$in": list(reminders)}})}
        new = [reminder for reminder in dict.fromkeys(reminders) if reminder not in stored]
        if new:
            rows = [validated_row(draft_of(ReminderDocument, id=reminder, at=at)) for reminder in new]
            count_write()
            self._reminders.bulk_write([InsertOne(row) for row in rows])
        return frozenset(new)


def _unread_of(user_id: str) -> dict[str, Any]:
    return {"user_id": ObjectId(user_id), "read_at": None}
