"""Reads the state of the server: whether it accepts writes, its latest write, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pymongo
from pymongo.database import Database

from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.reads.shared_call import SharedCall

_HEALTH_DEADLINE = 2.0  # seconds


def server_time(database: Database[Any]) -> datetime:
    """Returns the time on the server's clock, in UTC."""
    hello = database.client.admin.command("hello", codec_options=database.codec_options)
    moment: datetime = hello["localTime"]
    return moment


@raises_domain_errors
class MongoHealth:
    """Implements `Health`. `admit` raises `Unavailable` while this process must not write."""

    def __init__(self, database: Database[Any], admit: Callable[[], None] = lambda: None) -> None:
        self._client = database.client
        self._admit = admit
        self._latest_write = SharedCall(self._read_latest_write)

    def check(self) -> None:
        with pymongo.timeout(_HEALTH_DEADLINE):
            if not self._client.admin.command("hello").get("isWritablePrimary"):
                raise Unavailable
            self._admit()

    def latest_write(self) -> str | None:
        return self._latest_write()

    def _read_latest_write(self) -> str | None:
        # Not the operationTime of a reply: a write in progress may become visible after that time has been
        # returned, but with an earlier time.
        last_write = self._client.admin.command("hello").get("lastWrite")
        if last_write is None:  # a sharded cluster
            return None
        time = last_write["majorityOpTime"]["ts"]
        return f"{time.time}.{time.inc}"

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        return pymongo.timeout(seconds)
