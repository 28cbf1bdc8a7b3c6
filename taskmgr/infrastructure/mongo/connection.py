"""The client: its deadlines and concerns, and whether what it reaches can hold the data."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pymongo
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError, PyMongoError

from taskmgr.domain.model.errors import CannotStart, Unavailable
from taskmgr.infrastructure.mongo.driver_errors import is_passing, translates
from taskmgr.infrastructure.mongo.reads.sharing import Shared

# Seconds. One deadline a command or request, around everything it does; the rest only bounds
# what a single step of it may take.
COMMAND_DEADLINE = 8.0
START_DEADLINE = 20.0
_AGES = 7 * 24 * 3600.0  # a server takes no more than 24 days
_POOL_WAIT = 1.0
_HEALTH_DEADLINE = 2.0
_ATTEMPTS = (1.0, 2.0, 4.0, START_DEADLINE - 7.0)

_QUOTED = re.compile(r"""(["']).*\1""", re.DOTALL)
_NOT_INITIATED = "This replica set is not initiated yet: run `taskmgr db init` once."


# No "w" here: the driver puts it into the writes of a bound session too, and inside a transaction
# the server refuses it. The unit of work asks for a majority itself.
_DRIVER_DEFAULTS: dict[str, Any] = {
    "tz_aware": True,
    "uuidRepresentation": "standard",
    "appname": "taskmgr",
    "readConcernLevel": "majority",
    "retryWrites": True,
    "timeoutMS": int(COMMAND_DEADLINE * 1000),
    "waitQueueTimeoutMS": int(_POOL_WAIT * 1000),
    "maxPoolSize": 100,
}


def open_database(uri: str, name: str) -> Database[Any]:
    """The database that the URI names, or else `name`. Connects on first use, not here."""
    try:
        client: MongoClient[Any] = MongoClient(uri, **_DRIVER_DEFAULTS)
        return client.get_default_database(default=name)
    except (ConfigurationError, ValueError, OSError, PyMongoError) as error:
        raise unusable_uri(error) from error


def unusable_uri(error: Exception) -> CannotStart:
    """The driver's reason without what it quotes: behind an unescaped slash that is the password."""
    return CannotStart(f"TASKMGR_MONGODB_URI is not usable: {_QUOTED.sub('…', str(error))}")


def without_deadline() -> AbstractContextManager[None]:
    """For work that takes as long as it takes: inside the block the client's deadline does not hold.

    A timeout of None would not lift it: it means that nothing is said, and then the client's holds.
    """
    return pymongo.timeout(_AGES)


def require_replica_set(database: Database[Any]) -> None:
    """Raises `CannotStart` with one line of help where there is no initiated replica set."""
    hello = _first_answer(database.client)
    if hello.get("msg") == "isdbgrid" or "setName" in hello:
        return
    if hello.get("isreplicaset"):
        raise CannotStart(_NOT_INITIATED)
    raise CannotStart(
        "This MongoDB is a stand-alone server, which has no transactions: start mongod with "
        "`--replSet taskmgr` and run `taskmgr db init` once (one member is enough)."
    )


def _first_answer(client: MongoClient[Any]) -> dict[str, Any]:
    """What the server says of itself. Waits for one, but not for one that nobody has initiated."""
    for seconds in _ATTEMPTS:
        try:
            with pymongo.timeout(seconds):
                return client.admin.command("hello")
        except PyMongoError as error:
            servers = client.topology_description.server_descriptions().values()
            if any(server.server_type_name == "RSGhost" for server in servers):
                raise CannotStart(_NOT_INITIATED) from error
            if seconds == _ATTEMPTS[-1] or not is_passing(error):
                raise CannotStart(f"No MongoDB answers there: {first_line(error)}") from error
    raise AssertionError("there is a last attempt")


def server_time(database: Database[Any]) -> datetime:
    """What time it is where the data is."""
    hello = database.client.admin.command("hello", codec_options=database.codec_options)
    moment: datetime = hello["localTime"]
    return moment


@translates
class MongoHealth:
    """`Health` of a database's client."""

    def __init__(self, database: Database[Any], admit: Callable[[], None] = lambda: None) -> None:
        self._client = database.client
        self._admit = admit  # raises where nothing may be written
        # Dashboards ask all day whether anything has been written: those who ask at once share it.
        self._latest_write = Shared(self._ask_for_latest_write)

    def check(self) -> None:
        with pymongo.timeout(_HEALTH_DEADLINE):
            if not self._client.admin.command("hello").get("isWritablePrimary"):
                raise Unavailable
            self._admit()

    def latest_write(self) -> str | None:
        return self._latest_write()

    def _ask_for_latest_write(self) -> str | None:
        # Not the operationTime of a reply: the log of a replica set has holes for a moment, and what
        # is written into one becomes visible under a time that has already been told.
        last = self._client.admin.command("hello").get("lastWrite")
        if last is None:  # a sharded cluster
            return None
        time = last["majorityOpTime"]["ts"]
        return f"{time.time}.{time.inc}"

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        return pymongo.timeout(seconds)


def first_line(error: Exception) -> str:
    """What happened, without the driver's description of its topology."""
    return str(error).split("\n", 1)[0].split(", Timeout:", 1)[0]
