"""`ActivityRepository` on the collection `activity`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bson import ObjectId
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from taskmgr.domain.activity import Change
from taskmgr.domain.errors import WriteConflict
from taskmgr.domain.query import ActivityQuery, Page, Window
from taskmgr.infrastructure import mappers
from taskmgr.infrastructure.driver_errors import translates
from taskmgr.infrastructure.repositories import keyset
from taskmgr.infrastructure.repositories.keyset import Filter
from taskmgr.infrastructure.repositories.writing import stored

_DUPLICATE_KEY = 11000
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
    return {field: value for field, value in given.items() if value is not None}


def _is_duplicate(error: BulkWriteError) -> bool:
    return any(e.get("code") == _DUPLICATE_KEY for e in (error.details or {}).get("writeErrors", ()))


@translates
class MongoActivityRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._activity = database["activity"]
        # Of this context alone: another thread's command gathers for itself.
        self._gathering: ContextVar[list[dict[str, Any]] | None] = ContextVar("gathering", default=None)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        entries: list[dict[str, Any]] = []
        token = self._gathering.set(entries)
        try:
            yield
        finally:
            self._gathering.reset(token)
        self._insert(entries)

    def append(self, change: Change) -> None:
        entry = stored(mappers.change_document(change))
        gathering = self._gathering.get()
        if gathering is None:
            self._insert([entry])
        else:
            gathering.append(entry)

    def _insert(self, entries: list[dict[str, Any]]) -> None:
        if not entries:
            return
        try:
            self._activity.insert_many(entries)
        except (DuplicateKeyError, BulkWriteError) as error:
            if isinstance(error, BulkWriteError) and not _is_duplicate(error):
                raise
            raise WriteConflict from error

    def find(self, query: ActivityQuery, window: Window) -> Page[Change]:
        return keyset.page(self._activity, _filters(query), _NEWEST, window, mappers.change)
