"""`DeliveryRepository` on the collection `deliveries`, from which a TTL index removes old ones."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ReplaceOne, UpdateOne
from pymongo.database import Database

from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.webhook import Delivery, DeliveryState
from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.mappers.webhooks import delivery, delivery_document
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import validated_row

_PENDING = DeliveryState.PENDING.value


@raises_domain_errors
class MongoDeliveryRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._deliveries = database["deliveries"]

    def get(self, webhook_id: str, delivery_id: str) -> Delivery:
        row = self._deliveries.find_one({"_id": delivery_id, "webhook_id": ObjectId(webhook_id)})
        if row is None:
            raise NotFound("delivery", delivery_id)
        return delivery(row)

    def find(
        self, webhook_id: str, page_request: PageRequest, *, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        selected: dict[str, Any] = {"webhook_id": ObjectId(webhook_id)}
        if state is not None:
            selected["state"] = state.value
        limit, after = page_request.limit, page_request.after
        beyond = {} if after is None else {"seq": {"$lt": int(after.id)}}
        rows = list(self._deliveries.find(selected | beyond).sort("seq", -1).limit(limit + 1))
        return Page(
            items=[delivery(row) for row in rows[:limit]],
            next=Position((), str(rows[limit - 1]["seq"])) if len(rows) > limit else None,
            total=self._deliveries.count_documents(selected) if page_request.with_total else None,
        )

    def add(self, deliveries: Sequence[Delivery]) -> None:
        self._write(
            [
                UpdateOne({"_id": row.pop("_id")}, {"$setOnInsert": row}, upsert=True)
                for row in map(validated_row, map(delivery_document, deliveries))
            ]
        )

    def restart(self, deliveries: Sequence[Delivery]) -> None:
        rows = map(validated_row, map(delivery_document, deliveries))
        self._write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows])

    def count_due(self, webhook_id: str, *, now: datetime, limit: int) -> int:
        return self._deliveries.count_documents(_due(webhook_id, now), limit=limit)

    def claim(self, webhook_id: str, *, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        due = _due(webhook_id, now)
        order = [("next_at", 1), ("seq", 1)]
        ids = [row["_id"] for row in self._deliveries.find(due, {"_id": True}).sort(order).limit(limit)]
        if not ids:
            return ()
        claim = secrets.token_hex(8)
        count_write()
        self._deliveries.update_many(
            {"_id": {"$in": ids}, **due}, {"$set": {"next_at": until, "claim": claim}}
        )
        rows = self._deliveries.find({"_id": {"$in": ids}, "claim": claim}).sort("seq", 1)
        return [delivery(row) for row in rows]

    def record(self, deliveries: Sequence[Delivery]) -> None:
        updates = []
        for row in map(validated_row, map(delivery_document, deliveries)):
            # Whoever restarted the delivery meanwhile wants another attempt.
            before = {"_id": row.pop("_id"), "attempts": row["attempts"] - 1, "state": _PENDING}
            absent = {name: "" for name in ("next_at", "claim") if name not in row}
            updates.append(UpdateOne(before, {"$set": row, "$unset": absent}))
        self._write(updates)

    def _write(self, operations: Sequence[Any]) -> None:
        if operations:
            count_write()
            self._deliveries.bulk_write(operations, ordered=False)


def _due(webhook_id: str, now: datetime) -> dict[str, Any]:
    """Returns the condition for the deliveries of a webhook that are due, as the index `due` needs it."""
    return {"webhook_id": ObjectId(webhook_id), "next_at": {"$type": "date", "$lte": now}}
