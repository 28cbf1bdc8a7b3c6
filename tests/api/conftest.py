"""The API over a real database: one application per worker, and clients that act as any user."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import bson
import pytest
from flask import Flask
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from taskmgr.api.app import create_app
from taskmgr.api.runtime import runtime_of
from taskmgr.bootstrap import build_services
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.settings import Settings
from tests.api.client import Client
from tests.api.operations import World, make_world
from tests.conftest import wait_for_majority
from tests.factories import NOW, Clock, FastHashes, StandInProvider
from tests.outside import ManyReceivers

SECRET_KEY = "a key that signs nothing but the cursors of tests"
UNLIMITED = Settings(rate_limit=0)
# The collections that the world has rows in.
WORLD = (
    "users", "tasks", "comments", "projects", "tokens", "sessions", "passwords", "links", "accounts", "views",
    "webhooks", "deliveries", "activity",
)  # fmt: skip


@pytest.fixture(scope="session")
def worker_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def worker_services(
    worker_database: Database[Any], mongodb_uri: str, worker_clock: Clock
) -> Iterator[Services]:
    streams = open_database(mongodb_uri, worker_database.name, for_streams=True)
    with streams.client:
        yield build_services(
            mongo_store(worker_database, streams=streams),
            clock=worker_clock,
            hashes=FastHashes(),
            outgoing=ManyReceivers(),
            secret_key=lambda: SECRET_KEY,
            provider=StandInProvider(),
        )


@pytest.fixture(scope="session")
def worker_app(worker_services: Services) -> Flask:
    """Made once: the OpenAPI document alone takes a tenth of a second."""
    return create_app(worker_services, UNLIMITED, secret_key=SECRET_KEY)


@pytest.fixture
def clock(worker_clock: Clock) -> Clock:
    """The application's clock, at `factories.NOW` until a test moves it."""
    worker_clock.now = NOW
    return worker_clock


@pytest.fixture
def store(worker_services: Services, database: Database[Any]) -> Store:
    """The application's own store, emptied."""
    return worker_services.tasks.store


@pytest.fixture
def services(worker_services: Services, database: Database[Any], clock: Clock) -> Services:
    """The application's own services, over an empty database."""
    return worker_services


@pytest.fixture
def app(worker_app: Flask, services: Services) -> Flask:
    """The application under the default settings and policy, over an empty database."""
    return worker_app


@pytest.fixture
def client(app: Flask, services: Services) -> Client:
    """Without a token until it is told who speaks: `client.as_("manager")`."""
    return Client(app, services)


@pytest.fixture(scope="session")
def worker_apps(worker_services: Services) -> Callable[[Settings], Flask]:
    """The application under other settings, made once for each."""
    return cache(lambda settings: create_app(worker_services, settings, secret_key=SECRET_KEY))


@pytest.fixture
def client_of(services: Services, worker_apps: Callable[[Settings], Flask]) -> Callable[..., Client]:
    """A client of another application: `client_of(Settings(…))`, or over other services."""

    def make(settings: Settings = UNLIMITED, over: Services = services) -> Client:
        # An application that limits requests keeps counters, so no two tests may share it.
        is_shared = over is services and not settings.rate_limit
        app = worker_apps(settings) if is_shared else create_app(over, settings, secret_key=SECRET_KEY)
        return Client(app, services)

    return make


@pytest.fixture
def contents(database: Database[Any]) -> Callable[[], dict[str, list[bytes]]]:
    """Everything that is stored, byte for byte: counters of touches and locks too.

    Left out is when a caller was last seen, which a request may store after any pause.
    """
    # The numbers of projects are counted without waiting for a majority.
    latest = database.with_options(read_concern=ReadConcern("local"))

    def read() -> dict[str, list[bytes]]:
        names = sorted(latest.list_collection_names())
        return {
            name: sorted(map(bson.encode, latest[name].find({}, {"last_used_at": False}))) for name in names
        }

    return read


@pytest.fixture
def hashes(database: Database[Any]) -> Callable[[], Mapping[str, str]]:
    """The MD5 of all that each collection contains, which is compared faster than `contents`."""
    return lambda: database.command("dbHash")["collections"]


@pytest.fixture
def nothing_changes(contents: Callable[[], Any]) -> Callable[[], Any]:
    """`with nothing_changes():` the database is afterwards as it was before."""

    @contextmanager
    def watch() -> Iterator[None]:
        before = contents()
        yield
        assert contents() == before

    return watch


@pytest.fixture(scope="session")
def kept_world() -> dict[str, Any]:
    """The world once it has been made, and what was stored then."""
    return {}


@pytest.fixture
def world(services: Services, database: Database[Any], kept_world: dict[str, Any]) -> World:
    """One of everything, such that each of `OPERATIONS` succeeds. Made once, then put back."""
    if not kept_world:
        others = {name: database[name].distinct("_id") for name in WORLD} | {"projects": []}
        kept_world["ids"] = make_world(services)
        made = {name: database[name].find({"_id": {"$nin": others[name]}}) for name in WORLD}
        kept_world["rows"] = {name: list(rows) for name, rows in made.items()}
        return kept_world["ids"]
    rows = kept_world["rows"]
    # The default project is the only one of these rows that an empty database has.
    database["projects"].delete_many({"_id": {"$in": [project["_id"] for project in rows["projects"]]}})
    for name in WORLD:
        database[name].insert_many(rows[name])
    wait_for_majority(database)
    return kept_world["ids"]


METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def document(worker_app: Flask) -> dict[str, Any]:
    return dict(json.loads(runtime_of(worker_app).openapi_json))


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the document's operations by name, each with its method and path."""
    return {
        operation["operationId"]: operation | {"method": method.upper(), "path": path}
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
