"""The ports of signing in, on the collections `sessions`, `passwords`, `links`, `accounts` and `attempts`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.model.account import Account
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.ports.sign_in import StoredLink, StoredSession
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import insert, touch_one, validated_row

_NEWEST = [("created_at", -1), ("_id", -1)]


@raises_domain_errors
class MongoSessionRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._sessions = database["sessions"]
        self._users = database["users"]

    def get(self, session_id: str) -> Session:
        row = self._sessions.find_one({"_id": ObjectId(session_id)}) if is_identifier(session_id) else None
        if row is None:
            raise NotFound("session", session_id)
        return mappers.session(row)

    def find_by_user(self, user_id: str) -> Sequence[Session]:
        rows = self._sessions.find({"user_id": ObjectId(user_id)}).sort(_NEWEST)
        return [mappers.session(row) for row in rows]

    def find_with_owner(self, session_id: str) -> StoredSession | None:
        row = self._sessions.find_one({"_id": ObjectId(session_id)})
        owner = row and self._users.find_one({"_id": row["user_id"]})
        if row is None or owner is None:
            return None
        return StoredSession(
            session=mappers.session(row),
            secret_hash=bytes(row["secret_hash"]),
            owner=mappers.user(owner),
        )

    def touch(self, session_id: str) -> None:
        touch_one(self._sessions, ObjectId(session_id))

    def add(self, session: Session, secret_hash: bytes) -> None:
        insert(self._sessions, mappers.session_document(session, secret_hash))

    def remove(self, session_id: str) -> None:
        count_write()
        self._sessions.delete_one({"_id": ObjectId(session_id)})

    def record_use(self, session_id: str, at: datetime) -> None:
        count_write()
        self._sessions.update_one({"_id": ObjectId(session_id)}, {"$set": {"last_used_at": at}})


@raises_domain_errors
class MongoPasswordRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._passwords = database["passwords"]

    def get(self, user_id: str) -> str | None:
        # An unknown user costs as much time as one without a password.
        row = self._passwords.find_one({"_id": ObjectId(user_id) if is_identifier(user_id) else ""})
        return None if row is None else str(row["hash"])

    def set(self, user_id: str, password_hash: str, at: datetime) -> None:
        row = validated_row(mappers.password_document(user_id, password_hash, at))
        count_write()
        self._passwords.replace_one({"_id": row["_id"]}, row, upsert=True)


@raises_domain_errors
class MongoLinkRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._links = database["links"]

    def find(self, link_id: str) -> StoredLink | None:
        row = self._links.find_one({"_id": ObjectId(link_id)})
        if row is None:
            return None
        return StoredLink(link=mappers.link(row), secret_hash=bytes(row["secret_hash"]))

    def find_by_user(self, user_id: str) -> Sequence[Link]:
        rows = self._links.find({"user_id": ObjectId(user_id)}).sort(_NEWEST)
        return [mappers.link(row) for row in rows]

    def add(self, link: Link, secret_hash: bytes) -> None:
        insert(self._links, mappers.link_document(link, secret_hash))

    def remove(self, link_id: str) -> None:
        count_write()
        self._links.delete_one({"_id": ObjectId(link_id)})


@raises_domain_errors
class MongoAccountRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._accounts = database["accounts"]

    def get(self, account_id: str) -> Account:
        row = self._accounts.find_one({"_id": ObjectId(account_id)}) if is_identifier(account_id) else None
        if row is None:
            raise NotFound("account", account_id)
        return mappers.account(row)

    def find(self, issuer: str, subject: str) -> Account | None:
        row = self._accounts.find_one({"issuer": issuer, "subject": subject})
        return None if row is None else mappers.account(row)

    def find_by_user(self, user_id: str) -> Sequence[Account]:
        rows = self._accounts.find({"user_id": ObjectId(user_id)}).sort(_NEWEST)
        return [mappers.account(row) for row in rows]

    def add(self, account: Account) -> None:
        insert(self._accounts, mappers.account_document(account))

    def remove(self, account_id: str) -> None:
        count_write()
        self._accounts.delete_one({"_id": ObjectId(account_id)})


@raises_domain_errors
class MongoAttemptRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._attempts = database["attempts"]

    def count(self, key: str, *, limit: int, now: datetime, until: datetime) -> datetime | None:
        is_over = {"$lte": ["$expires_at", now]}
        counted = {
            "count": {"$cond": [is_over, 1, {"$add": [{"$ifNull": ["$count", 0]}, 1]}]},
            "expires_at": {"$cond": [is_over, until, "$expires_at"]},
        }
        free = {"_id": key, "$or": [{"count": {"$lt": limit}}, {"expires_at": {"$lte": now}}]}
        while True:
            try:
                # Without a document, `$expires_at` is missing, which is less than any time.
                self._attempts.update_one(free, [{"$set": counted}], upsert=True)
                return None
            except DuplicateKeyError:  # the document exists, and is not free
                row = self._attempts.find_one({"_id": key})
                # Another process may have inserted it a moment ago, or the server removed it since.
                if row is not None and row["count"] >= limit and row["expires_at"] > now:
                    return row["expires_at"]  # type: ignore[no-any-return]

    def take_back(self, key: str) -> None:
        self._attempts.update_one({"_id": key, "count": {"$gt": 0}}, {"$inc": {"count": -1}})
