"""Measures how far the feed is behind the log."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.clock import utc_now
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors

MAX_COUNTED = 10_000


@raises_domain_errors
class FeedLag:
    """Compares the ends of the feed and of the log by the times of their entries, which is cheap."""

    def __init__(self, database: Database[Any]) -> None:
        self._feed, self._activity = database["feed"], database["activity"]

    def measure(self) -> tuple[int, int, float]:
        """Returns the feed's last number, how many entries are newer than that one, and the age in seconds
        of the oldest of them; at most `MAX_COUNTED` are counted.
        """
        last = self._feed.find_one({}, {"entry": True}, sort=[("_id", -1)])
        entry = last and self._activity.find_one({"_id": last["entry"]}, {"at": True})
        newer = {"at": {"$gt": entry["at"]}} if entry else {}
        oldest = self._activity.find_one(newer, {"at": True}, sort=[("at", 1), ("_id", 1)])
        if oldest is None:
            return last["_id"] if last else 0, 0, 0.0
        number = self._activity.count_documents(newer, limit=MAX_COUNTED)
        return last["_id"] if last else 0, number, max(0.0, (utc_now() - oldest["at"]).total_seconds())
