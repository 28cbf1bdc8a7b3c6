"""The client: its deadlines and concerns, and whether what it reaches can hold the data."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pymongo
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from taskmgr.domain.errors import CannotStart, Unavailable
from taskmgr.infrastructure.driver_errors import translates

# Seconds. One deadline a command or request, around everything it does; the rest only bounds
# what a single step of it may take.
COMMAND_DEADLINE = 8.0
START_DEADLINE = 20.0
_POOL_WAIT = 1.0
_HEALTH_DEADLINE = 2.0

_NO_REPLICATION = 76


# No "w" here: the driver puts it into the writes of a bound session too, and inside a transaction
# the server refuses it. The unit of work and the one repository that writes outside of it
# (tokens) ask for a majority themselves.
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
    except (ConfigurationError, ValueError, PyMongoError) as error:
        raise CannotStart(f"TASKMGR_MONGODB_URI is not usable: {error}") from error


def require_replica_set(database: Database[Any]) -> None:
    """Raises `CannotStart` with one line of help where there is no initiated replica set."""
    try:
        with pymongo.timeout(START_DEADLINE):
            hello = database.client.admin.command("hello")
    except PyMongoError as error:
        raise CannotStart(f"No MongoDB answers there: {_first_line(error)}") from error
    if hello.get("msg") == "isdbgrid" or "setName" in hello:
        return
    if hello.get("isreplicaset"):
        raise CannotStart("This replica set is not initiated yet: run `taskmgr db init` once.")
    raise CannotStart(
        "This MongoDB is a stand-alone server, which has no transactions: start mongod with "
        "`--replSet taskmgr` and run `taskmgr db init` once (one member is enough)."
    )


def initiate_replica_set(database: Database[Any], name: str = "taskmgr") -> bool:
    """Makes an uninitiated server a replica set of one member; False where it was one already."""
    admin = database.client.admin
    with pymongo.timeout(START_DEADLINE):
        if "setName" in admin.command("hello"):
            return False
        host, port = _address(database.client)
        config = {"_id": name, "members": [{"_id": 0, "host": f"{host}:{port}" if port else host}]}
        try:
            admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code == _NO_REPLICATION:
                raise CannotStart("This mongod was started without `--replSet`: start it with it.") from error
            raise CannotStart(f"The replica set cannot be initiated: {_first_line(error)}") from error
    return True


@translates
class MongoHealth:
    """`Health` of a database's client."""

    def __init__(self, database: Database[Any]) -> None:
        self._client = database.client

    def check(self) -> None:
        with pymongo.timeout(_HEALTH_DEADLINE):
            if not self._client.admin.command("hello").get("isWritablePrimary"):
                raise Unavailable

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        return pymongo.timeout(seconds)


def _address(client: MongoClient[Any]) -> tuple[str, int | None]:
    address = client.address
    if address is None:
        raise CannotStart("The server's address is not known.")
    return address


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].split(", Timeout:", 1)[0]
