"""Builds the driver's client: its deadlines, its concerns, and its errors before anything is connected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pymongo
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ConfigurationError, PyMongoError

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.mongo.driver_errors import lacks_sessions

COMMAND_DEADLINE = 8.0  # seconds, for a whole command or request
_POOL_WAIT = 1.0  # seconds, for the wait for a connection
_NO_DEADLINE = 7 * 24 * 3600.0  # seconds; the server refuses a maxTimeMS above 2**31 - 1, which is 24 days

# No write concern here: the driver would add it to each write of a bound session, and the server
# refuses that inside a transaction (docs/decisions/0003). The unit of work sets it for transactions.
_OPTIONS: dict[str, Any] = {
    "tz_aware": True,
    "uuidRepresentation": "standard",
    "appname": "taskmgr",
    "readConcernLevel": "majority",
    "retryWrites": True,
    "timeoutMS": int(COMMAND_DEADLINE * 1000),
    "waitQueueTimeoutMS": int(_POOL_WAIT * 1000),
    "maxPoolSize": 100,
}
# For change streams, whose calls wait on the server: a `timeoutMS` would replace the time that they wait.
_STREAM_OPTIONS: dict[str, Any] = {
    **{name: value for name, value in _OPTIONS.items() if name != "timeoutMS"},
    "serverSelectionTimeoutMS": int(COMMAND_DEADLINE * 1000),
    "connectTimeoutMS": int(COMMAND_DEADLINE * 1000),
    "socketTimeoutMS": int(COMMAND_DEADLINE * 1000),
}
_QUOTED = re.compile(r"""(["']).*\1""", re.DOTALL)


def open_database(uri: str, name: str, *, for_streams: bool = False) -> Database[Any]:
    """Returns the database that the URI names, or else the one called `name`.

    The client connects on first use; that `for_streams` is for change streams. Raises `CannotStart` if the
    URI cannot be used.
    """
    try:
        client: MongoClient[Any] = MongoClient(uri, **(_STREAM_OPTIONS if for_streams else _OPTIONS))
        return client.get_default_database(default=name)
    except (ConfigurationError, ValueError, OSError, PyMongoError) as error:
        raise unusable_uri(error) from error


def with_any_text(collection: Collection[Any], handler: str = "surrogateescape") -> Collection[Any]:
    """Returns the collection with texts that are not UTF-8 decoded by one of Python's error handlers.

    Otherwise, the driver refuses every batch that contains such a text.
    """
    options = collection.codec_options.with_options(unicode_decode_error_handler=handler)
    return collection.with_options(codec_options=options)


def unusable_uri(error: Exception) -> CannotStart:
    """Returns the error for a URI that the driver rejects.

    Text that the driver quotes is left out: if the password has an unescaped slash, it may be in there.
    """
    return CannotStart(f"TASKMGR_MONGODB_URI is not usable: {_QUOTED.sub('…', str(error))}")


def first_line(error: Exception) -> str:
    """Returns the first line of a driver's error, without the timeout and the topology that follow."""
    return str(error).split("\n", 1)[0].split(", Timeout:", 1)[0]


@contextmanager
def renewing_connections(client: MongoClient[Any]) -> Iterator[None]:
    """Renews the connections of a client if the block fails because one of them has no sessions.

    The driver asks only once, when it connects, whether a server supports sessions. A server that is starting
    or recovering says no. The driver would keep such a connection, and refuse every transaction on it.
    """
    try:
        yield
    except ConfigurationError as error:
        if lacks_sessions(error):
            _close_connections(client)
        raise


def _close_connections(client: MongoClient[Any]) -> None:
    """Closes all connections of a client, those in use as soon as they are free. It remains usable."""
    for address in client.topology_description.server_descriptions():
        server = client._topology.get_server_by_address(address)  # the driver has no public way
        if server is not None:
            server.pool.reset_without_pause()


def without_deadline() -> AbstractContextManager[None]:
    """Suspends the client's deadline for the work inside the block.

    `pymongo.timeout(None)` would not: it means "not set", and then the client's deadline applies.
    """
    return pymongo.timeout(_NO_DEADLINE)
