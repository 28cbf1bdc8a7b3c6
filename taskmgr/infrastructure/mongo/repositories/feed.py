"""`FeedRepository` on the collections `feed` and `activity`."""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database

from taskmgr.domain.history.chain import GENESIS
from taskmgr.domain.ports.feed import EMPTY_FEED, FeedEntry, FeedHead, FeedPart
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.repositories.activity import activity_filter


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
        changes = {row["_id"]: row for row in self._activity.find({"$and": [ids, activity_filter(query)]})}
        entries = [
            FeedEntry(seq=row["_id"], hash=row["hash"], change=mappers.change(changes[row["entry"]]))
            for row in rows
            if row["entry"] in changes
        ]
        return FeedPart(entries=entries, last=rows[-1]["_id"], hash=rows[-1]["hash"])
