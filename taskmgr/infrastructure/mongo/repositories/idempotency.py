"""`IdempotencyRepository` on the collection `answers`, from which a TTL index removes expired responses."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from bson import Binary
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from taskmgr.domain.model.errors import WriteConflict
from taskmgr.domain.ports.idempotency import IdempotencyRecord, StoredResponse
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.transaction import count_write

_WRITE_CONFLICT = 112  # the server's error code


def _id(caller: str, key: str) -> str:
    return hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()


@raises_domain_errors
class MongoIdempotencyRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._responses = database["answers"]

    def get(self, caller: str, key: str, *, now: datetime) -> IdempotencyRecord | None:
        row = self._responses.find_one({"_id": _id(caller, key), "expires_at": {"$gt": now}})
        if row is None:
            return None
        response = StoredResponse(status=row["status"], headers=row["headers"], body=bytes(row["body"]))
        return IdempotencyRecord(fingerprint=bytes(row["fingerprint"]), response=response)

    def reserve(self, caller: str, key: str, expires_at: datetime) -> None:
        fields = {"$set": {"caller": caller, "expires_at": expires_at}}
        try:
            count_write()
            self._responses.update_one({"_id": _id(caller, key)}, fields, upsert=True)
        except DuplicateKeyError as error:
            raise WriteConflict from error
        except OperationFailure as error:
            if error.code == _WRITE_CONFLICT:
                raise WriteConflict from error
            raise

    def save(self, caller: str, key: str, record: IdempotencyRecord) -> None:
        fields = {
            "fingerprint": Binary(record.fingerprint),
            "status": record.response.status,
            "headers": dict(record.response.headers),
            "body": Binary(record.response.body),
        }
        count_write()
        self._responses.update_one({"_id": _id(caller, key)}, {"$set": fields})
