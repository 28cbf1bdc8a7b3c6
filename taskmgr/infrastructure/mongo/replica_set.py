"""Checks that the servers form a replica set, which transactions need, and initiates it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pymongo
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.mongo.client import first_line, unusable_uri
from taskmgr.infrastructure.mongo.driver_errors import is_temporary

# Seconds for each attempt to reach a server that may just be starting: 20 in all.
_ATTEMPTS = (1.0, 2.0, 4.0, 13.0)
_NOT_INITIATED = "The replica set is not initiated: run `taskmgr db init` once."

_URI_PARTS = re.compile(r"(mongodb://(?:[^@/?]*@)?)([^/?]+)(.*)")
_INITIATION_DEADLINE = 60.0  # seconds; several servers need about twelve to elect the first primary
_ELECTION_POLL = 0.05  # seconds

# https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
_NO_REPLICATION_ENABLED = 76
_ALREADY_INITIALIZED = 23


def require_replica_set(database: Database[Any]) -> None:
    """Raises `CannotStart`, with one line of help, unless an initiated replica set answers."""
    hello = _hello(database.client)
    if hello.get("msg") == "isdbgrid" or "setName" in hello:
        return
    if hello.get("isreplicaset"):
        raise CannotStart(_NOT_INITIATED)
    raise CannotStart(
        "This MongoDB is a stand-alone server, which has no transactions: start mongod with "
        "`--replSet taskmgr` and run `taskmgr db init` once (one member is enough)."
    )


def _hello(client: MongoClient[Any]) -> dict[str, Any]:
    """Returns the reply to `hello`; waits while a server starts, but not for an initiation."""
    for seconds in _ATTEMPTS:
        try:
            with pymongo.timeout(seconds):
                return client.admin.command("hello")
        except PyMongoError as error:
            servers = client.topology_description.server_descriptions().values()
            if any(server.server_type_name == "RSGhost" for server in servers):
                raise CannotStart(_NOT_INITIATED) from error
            if seconds == _ATTEMPTS[-1] or not is_temporary(error):
                raise CannotStart(f"MongoDB does not answer: {first_line(error)}") from error
    raise AssertionError("the last attempt returns or raises")


def initiate_replica_set(uri: str) -> bool:
    """Initiates a replica set of the servers in a URI; returns False if they already are one.

    Returns once a primary is elected. Raises `CannotStart` on failure. The servers of a `mongodb+srv://`
    URI are assumed to be a replica set.
    """
    if uri.startswith("mongodb+srv://"):
        return False
    with _one_line_errors(), _connect_to_first(uri) as client, pymongo.timeout(_INITIATION_DEADLINE):
        hello = client.admin.command("hello")
        initiated = "setName" not in hello and hello.get("msg") != "isdbgrid" and _initiate(client, uri)
        while initiated and not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(_ELECTION_POLL)
    return initiated


def _initiate(client: MongoClient[Any], uri: str) -> bool:
    members = [{"_id": number, "host": unquote(host)} for number, host in enumerate(_hosts(uri))]
    try:
        client.admin.command("replSetInitiate", {"_id": _set_name(client, uri), "members": members})
    except OperationFailure as error:
        if error.code == _ALREADY_INITIALIZED:  # by another machine, after the `hello`
            return False
        raise
    return True


def _connect_to_first(uri: str) -> MongoClient[Any]:
    """Returns a client of the first server only: the driver selects no member of an uninitiated set."""
    start, _, rest = _split(uri)
    return MongoClient(start + _hosts(uri)[0] + rest, directConnection=True, replicaSet=None)


def _hosts(uri: str) -> list[str]:
    return _split(uri)[1].split(",")


def _split(uri: str) -> tuple[str, str, str]:
    """Returns what precedes the hosts, the hosts, and what follows them."""
    parse_uri(uri)
    match = _URI_PARTS.fullmatch(uri)
    if match is None:
        raise InvalidURI("it has no host.")
    return match[1], match[2], match[3]


def _set_name(client: MongoClient[Any], uri: str) -> str:
    """Returns the set name that the server was started with, which `replSetInitiate` has to repeat."""
    try:
        options = client.admin.command("getCmdLineOpts")["parsed"].get("replication", {})
    except OperationFailure:  # the user may initiate the set, but may not read the server's options
        options = {}
    name = options.get("replSetName") or options.get("replSet")
    return str(name or parse_uri(uri)["options"].get("replicaSet") or "taskmgr")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turns the driver's errors into `CannotStart` with one line that says what to do."""
    try:
        yield
    except OperationFailure as error:
        if error.code == _NO_REPLICATION_ENABLED:
            raise CannotStart(
                "This mongod was started without `--replSet`: start it with `--replSet taskmgr`."
            ) from error
        raise CannotStart(f"The replica set cannot be initiated: {first_line(error)}") from error
    except (ConfigurationError, InvalidURI, ValueError, OSError) as error:
        raise unusable_uri(error) from error
    except PyMongoError as error:
        raise CannotStart(f"MongoDB does not answer: {first_line(error)}") from error
