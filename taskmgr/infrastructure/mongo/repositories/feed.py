"""`FeedRepository` on the collections `feed` and `activity`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from pymongo.collection import Collection
from pymongo.database import Database

from taskmgr.domain.history.chain import GENESIS
from taskmgr.domain.ports.feed import EMPTY_FEED, FeedEntry, FeedHead, FeedPart
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.client import with_any_text
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.repositories.activity import activity_filter

_log = structlog.get_logger("taskmgr.feed")


def read_head(feed: Collection[Any]) -> FeedHead:
    """Returns the end of the feed, as it is read with the collection's read concern."""
    last = feed.find_one({}, {"hash": True, "at": True}, sort=[("_id", -1)])
    return EMPTY_FEED if last is None else FeedHead(seq=last["_id"], hash=last["hash"], at=last["at"])


@raises_domain_errors
class MongoFeedRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._feed = database["feed"]
        self._activity = database["activity"]

    def head(self) -> FeedHead:
        return read_head(self._feed)

    def hash_at(self, seq: int) -> bytes | None:
        if seq == 0:
            return GENESIS
        row = self._feed.find_one({"_id": seq}, {"hash": True})
        return None if row is None else row["hash"]

    def read(self, after: int, *, limit: int, query: ActivityQuery = ActivityQuery()) -> FeedPart:
        numbers = {"_id": {"$gt": after, "$lte": after + limit}}
        rows = list(self._feed.find(numbers, {"entry": True, "hash": True}).sort("_id", 1))
        if not rows:
            return FeedPart(entries=(), last=after, hash=None)
        ids = {"_id": {"$in": [row["entry"] for row in rows]}}
        activity = with_any_text(self._activity, "replace")
        changes = {row["_id"]: row for row in activity.find({"$and": [ids, activity_filter(query)]})}
        entries = [_entry(row, changes[row["entry"]]) for row in rows if row["entry"] in changes]
        readable = [entry for entry in entries if entry is not None]
        return FeedPart(entries=readable, last=rows[-1]["_id"], hash=rows[-1]["hash"])


def _entry(row: Mapping[str, Any], change: Mapping[str, Any]) -> FeedEntry | None:
    """Returns an entry of the feed, or None if somebody has made it unreadable: nobody waits for it."""
    try:
        return FeedEntry(seq=row["_id"], hash=row["hash"], change=mappers.change(change))
    except UNREADABLE as error:
        _log.error("an entry of the log cannot be read", seq=row["_id"], reason=type(error).__name__)
        return None
