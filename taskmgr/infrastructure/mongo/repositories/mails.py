"""`MailRepository` on the collection `mails`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.mail import Mail
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import validated_row


@raises_domain_errors
class MongoMailRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._mails = database["mails"]

    def find_waiting(self, user_id: str, *, daily: bool, item_id: str) -> Mail | None:
        filters: dict[str, Any] = {"user_id": ObjectId(user_id), "is_daily": daily, "parts": None}
        if not daily:
            filters["item_ids"] = ObjectId(item_id)
        row = self._mails.find_one(filters)
        return None if row is None else mappers.mail(row)

    def find_due(self, now: datetime) -> Mail | None:
        row = self._mails.find_one({"send_at": {"$lte": now}}, sort=[("send_at", 1), ("_id", 1)])
        return None if row is None else mappers.mail(row)

    def save(self, mail: Mail) -> None:
        row = validated_row(mappers.mail_document(mail))
        count_write()
        self._mails.replace_one({"_id": row["_id"]}, row, upsert=True)

    def remove(self, mail_id: str) -> None:
        count_write()
        self._mails.delete_one({"_id": ObjectId(mail_id)})
