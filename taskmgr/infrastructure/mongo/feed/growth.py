"""`FeedStreams` on a change stream of the collection `feed`."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.feed.insert_stream import CannotResume, InsertStream


@raises_domain_errors
class MongoFeedStream:
    def __init__(self, stream: InsertStream) -> None:
        self._stream = stream

    def wait(self) -> bool:
        try:
            return bool(self._stream.next_batch().documents)
        except CannotResume as error:
            raise Unavailable(f"The stream has ended: {error}") from error

    def close(self) -> None:
        self._stream.close()


@raises_domain_errors
class MongoFeedStreams:
    def __init__(self, database: Database[Any] | None) -> None:
        self._database = database

    def open(self) -> MongoFeedStream:
        if self._database is None:
            raise RuntimeError("This store was built without a database for streams.")
        return MongoFeedStream(InsertStream(self._database["feed"], None))
