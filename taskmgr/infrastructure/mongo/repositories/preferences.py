"""`PreferencesRepository` on the collection `preferences`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.inbox import Preferences
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import validated_row


@raises_domain_errors
class MongoPreferencesRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._preferences = database["preferences"]

    def get_many(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        rows = self._preferences.find({"_id": {"$in": [ObjectId(user_id) for user_id in user_ids]}})
        chosen = {str(row["_id"]): mappers.preferences(row) for row in rows}
        return {user_id: chosen.get(user_id, Preferences(user_id=user_id)) for user_id in user_ids}

    def save(self, preferences: Preferences) -> None:
        row = validated_row(mappers.preferences_document(preferences))
        count_write()
        self._preferences.replace_one({"_id": row["_id"]}, row, upsert=True)
