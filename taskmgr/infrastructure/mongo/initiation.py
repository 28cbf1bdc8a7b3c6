"""Makes servers that were started with `--replSet`, and nothing else yet, a replica set."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pymongo
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.mongo.connection import first_line, unusable_uri

_PARTS = re.compile(r"(mongodb://(?:[^@/?]*@)?)([^/?]+)(.*)")
_DEADLINE = 60.0  # seconds; several servers take a dozen to elect the first primary
_ELECTION_POLL = 0.05
_NO_REPLICATION = 76
_ALREADY_INITIALIZED = 23


def initiate_replica_set(uri: str) -> bool:
    """Makes all servers that a URI names one replica set; False where they are one already.

    Answers when there is a primary. Raises `CannotStart` where it cannot be done. What
    `mongodb+srv://` names is taken to be one.
    """
    if uri.startswith("mongodb+srv://"):
        return False
    with _told(), _first_server(uri) as client, pymongo.timeout(_DEADLINE):
        hello = client.admin.command("hello")
        made = "setName" not in hello and hello.get("msg") != "isdbgrid" and _initiate(client, uri)
        while made and not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(_ELECTION_POLL)
    return made


def _initiate(client: MongoClient[Any], uri: str) -> bool:
    members = [{"_id": number, "host": unquote(host)} for number, host in enumerate(_hosts(uri))]
    try:
        client.admin.command("replSetInitiate", {"_id": _set_name(client, uri), "members": members})
    except OperationFailure as error:
        if error.code == _ALREADY_INITIALIZED:  # another machine was quicker
            return False
        raise
    return True


def _first_server(uri: str) -> MongoClient[Any]:
    """A client of the first server alone: the driver selects none that belongs to no set yet."""
    start, _, rest = _parts(uri)
    return MongoClient(start + _hosts(uri)[0] + rest, directConnection=True, replicaSet=None)


def _hosts(uri: str) -> list[str]:
    return _parts(uri)[1].split(",")


def _parts(uri: str) -> tuple[str, str, str]:
    """What comes before the hosts, the hosts, and what comes behind."""
    parse_uri(uri)
    found = _PARTS.fullmatch(uri)
    if found is None:
        raise InvalidURI("it names no host.")
    return found[1], found[2], found[3]


def _set_name(client: MongoClient[Any], uri: str) -> str:
    """The name that the server was started with, which its set must have."""
    try:
        given = client.admin.command("getCmdLineOpts")["parsed"].get("replication", {})
    except OperationFailure:  # it takes a right that replSetInitiate does not
        given = {}
    name = given.get("replSetName") or given.get("replSet")
    return str(name or parse_uri(uri)["options"].get("replicaSet") or "taskmgr")


@contextmanager
def _told() -> Iterator[None]:
    """The driver's errors, in one line that says what to do."""
    try:
        yield
    except OperationFailure as error:
        if error.code == _NO_REPLICATION:
            raise CannotStart(
                "This mongod was started without `--replSet`: start it with `--replSet taskmgr`."
            ) from error
        raise CannotStart(f"The replica set cannot be initiated: {first_line(error)}") from error
    except (ConfigurationError, InvalidURI, ValueError, OSError) as error:
        raise unusable_uri(error) from error
    except PyMongoError as error:
        raise CannotStart(f"No MongoDB answers there: {first_line(error)}") from error
