"""`AnswerRepository` on the collection `answers`, which MongoDB itself clears of what has expired."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from bson import Binary
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from taskmgr.domain.model.errors import WriteConflict
from taskmgr.domain.ports import KnownAnswer, Remembered
from taskmgr.infrastructure.mongo.driver_errors import translates

_CONFLICT = 112


def _key(caller: str, key: str) -> str:
    return hashlib.sha256(f"{caller}\0{key}".encode()).hexdigest()


@translates
class MongoAnswerRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._answers = database["answers"]

    def get(self, caller: str, key: str, *, now: datetime) -> KnownAnswer | None:
        row = self._answers.find_one({"_id": _key(caller, key), "expires_at": {"$gt": now}})
        if row is None:
            return None
        answer = Remembered(status=row["status"], headers=row["headers"], body=bytes(row["body"]))
        return KnownAnswer(fingerprint=bytes(row["fingerprint"]), answer=answer)

    def reserve(self, caller: str, key: str, expires_at: datetime) -> None:
        fields = {"$set": {"caller": caller, "expires_at": expires_at}}
        try:
            self._answers.update_one({"_id": _key(caller, key)}, fields, upsert=True)
        except DuplicateKeyError as error:
            raise WriteConflict from error
        except OperationFailure as error:
            if error.code == _CONFLICT:
                raise WriteConflict from error
            raise

    def keep(self, caller: str, key: str, fingerprint: bytes, answer: Remembered) -> None:
        fields = {
            "fingerprint": Binary(fingerprint),
            "status": answer.status,
            "headers": dict(answer.headers),
            "body": Binary(answer.body),
        }
        self._answers.update_one({"_id": _key(caller, key)}, {"$set": fields})
