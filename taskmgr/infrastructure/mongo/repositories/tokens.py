"""`TokenRepository` on the collection `tokens`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.token import Token
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.identity import StoredToken
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import insert, touch_one


@raises_domain_errors
class MongoTokenRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._tokens = database["tokens"]
        self._users = database["users"]

    def get(self, token_id: str) -> Token:
        row = self._tokens.find_one({"_id": ObjectId(token_id)}) if is_identifier(token_id) else None
        if row is None:
            raise NotFound("token", token_id)
        return mappers.token(row)

    def find_by_user(self, user_id: str) -> Sequence[Token]:
        rows = self._tokens.find({"user_id": ObjectId(user_id)}).sort([("created_at", -1), ("_id", -1)])
        return [mappers.token(row) for row in rows]

    def find_with_owner(self, token_id: str) -> StoredToken | None:
        row = self._tokens.find_one({"_id": ObjectId(token_id)})
        owner = row and self._users.find_one({"_id": row["user_id"]})
        return None if row is None or owner is None else _stored_token(row, owner)

    def find_many_with_owners(self, token_ids: Collection[str]) -> Mapping[str, StoredToken]:
        rows = list(self._tokens.find({"_id": {"$in": list(map(ObjectId, token_ids))}}))
        ids = list({row["user_id"] for row in rows})
        owners = {owner["_id"]: owner for owner in self._users.find({"_id": {"$in": ids}})}
        stored = (_stored_token(row, owners[row["user_id"]]) for row in rows if row["user_id"] in owners)
        return {token.token.id: token for token in stored}

    def touch(self, token_id: str) -> None:
        touch_one(self._tokens, ObjectId(token_id))

    def add(self, token: Token, secret_hash: bytes) -> None:
        insert(self._tokens, mappers.token_document(token, secret_hash))

    def remove(self, token_id: str) -> None:
        count_write()
        self._tokens.delete_one({"_id": ObjectId(token_id)})

    def record_use(self, token_id: str, at: datetime) -> None:
        count_write()
        self._tokens.update_one({"_id": ObjectId(token_id)}, {"$set": {"last_used_at": at}})


def _stored_token(row: Mapping[str, Any], owner: Mapping[str, Any]) -> StoredToken:
    return StoredToken(
        token=mappers.token(row), secret_hash=bytes(row["secret_hash"]), owner=mappers.user(owner)
    )
