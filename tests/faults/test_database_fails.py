"""A database that fails in the middle of a request: a plain problem, nothing told, nothing kept.

A server of its own, since the failures are made by the server itself: `failCommand`, a fail point
that is there only with `enableTestCommands`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import bson
import pytest
import structlog.testing
from pymongo import MongoClient
from pymongo.database import Database

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.ports.store import Health
from taskmgr.infrastructure.embedded.mongod_binary import find_mongod
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.settings import Settings
from tests.api.client import Answer, Client, answered
from tests.api.operations import OPERATIONS, Operation, World, make_world
from tests.conftest import empty
from tests.factories import StandInProvider
from tests.outside import ManyReceivers
from tests.running import free_port, short_folder

# Every command that the service sends for a request.
COMMANDS = [
    "find",
    "aggregate",
    "getMore",
    "insert",
    "update",
    "delete",
    "findAndModify",
    "commitTransaction",
]
WORDS = "Failing command"  # of the server, when it fails one on purpose
INSIDES = re.compile(rf"{WORDS}|Traceback|pymongo|mongo|\.py\b|127\.0\.0\.1|errmsg|failCommand|tasks\.find")
# How the server fails, and what the caller gets.
UNKNOWN = {"errorCode": 8}
FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "the disk is full": ({"errorCode": 14031}, "internal"),
    "the user of the URI has lost the right": ({"errorCode": 13}, "internal"),
    "another server becomes the primary": ({"errorCode": 10107}, "unavailable"),
    "the server has just started and has no snapshot yet": ({"errorCode": 246}, "unavailable"),
    "the connection breaks": ({"closeConnection": True}, "unavailable"),
}
asked = pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.scopes is not None], ids=lambda o: o.name
)


@dataclass
class Hurried:
    """A store's health; while it is `hurried`, a request's deadline is half a second.

    A failure that the driver retries is answered only at the deadline. Every other request keeps the
    usual deadline, so that a busy machine does not turn another failure into a missed deadline.
    """

    health: Health
    hurried: bool = False

    def check(self) -> None:
        self.health.check()

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        return self.health.deadline(min(seconds, 0.5) if self.hurried else seconds)


@dataclass(frozen=True)
class Failing:
    """A database with a service over it."""

    database: Database[Any]
    control: MongoClient[Any]
    client: Client
    world: World
    health: Hurried

    @contextmanager
    def failure(self, how: dict[str, Any], *, after: int = 0, retried: bool = False) -> Iterator[None]:
        """Inside, every command fails but the first few; `retried` if the driver tries it again."""
        admin = self.control.admin
        mode: Any = {"skip": after} if after else "alwaysOn"
        self.health.hurried = retried
        admin.command("configureFailPoint", "failCommand", mode=mode, data={"failCommands": COMMANDS, **how})
        try:
            yield
        finally:
            self.health.hurried = False
            admin.command("configureFailPoint", "failCommand", mode="off")
            admin.command("killAllSessions", [])  # a transaction whose commit failed would stay open

    def contents(self) -> dict[str, list[bytes]]:
        """Returns all that is stored, also what no majority has yet.

        Without what is counted before a command, and may be lost with it: the numbers of a project's tasks,
        and the attempts to sign in.
        """
        stored = self.control[self.database.name]
        names = sorted({*stored.list_collection_names()} - {"attempts"})
        rows = {name: stored[name].find({}, {"last_number": False}) for name in names}
        return {name: sorted(map(bson.encode, rows[name])) for name in names}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keeps the log's own way with traces, which takes half a second each, out of the tests."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with short_folder() as place:
        (place / "db").mkdir()
        port = free_port()
        server = subprocess.Popen(
            [
                *(find_mongod(None), "--dbpath", place / "db", "--port", str(port), "--bind_ip", "127.0.0.1"),
                *("--replSet", "failing", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
                *("--setParameter", "enableTestCommands=1"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            uri = f"mongodb://127.0.0.1:{port}"
            initiate_replica_set(uri)
            yield uri
        finally:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def database(uri: str) -> Iterator[Database[Any]]:
    database = open_database(uri, "failing")
    with database.client:
        migrate(database, DEFAULT_POLICY.time_zone)
        yield database


@pytest.fixture
def failing(uri: str, database: Database[Any]) -> Iterator[Failing]:
    empty(database)
    services = build_services(
        mongo_store(database),
        outgoing=ManyReceivers(),
        secret_key=lambda: "the key of the secrets",
        provider=StandInProvider(),
    )
    health = Hurried(services.health)
    services = replace(services, health=health)
    app = create_app(services, Settings(rate_limit=0), secret_key="a key that signs nothing")
    world = make_world(services)
    with MongoClient(uri, directConnection=True) as control:
        yield Failing(database, control, Client(app, services).as_("admin"), world, health)


def assert_tells_nothing(answer: Answer) -> None:
    assert answer.content_type == "application/problem+json"
    assert not INSIDES.search(answer.text), answer.text
    assert set(answer.json) == {"type", "title", "status", "code", "detail", "request_id"}


@asked
def test_whichever_command_of_the_database_fails_nothing_is_revealed_and_nothing_stored(
    operation: Operation, failing: Failing
) -> None:
    failing.world.prepare(failing.client, operation)
    before = failing.contents()
    for step in range(50):
        with failing.failure(UNKNOWN, after=step):
            answer = failing.world.send(failing.client, operation)
        if answer.status_code == operation.status or answered(answer) == operation.refused:
            break
        assert answered(answer) == "internal"
        assert_tells_nothing(answer)
        assert failing.contents() == before, f"after {step} commands"
    assert 1 <= step < 50, "no command failed, or all of them"


@pytest.mark.parametrize("failure", FAILURES)
def test_each_failure_has_its_code(failure: str, failing: Failing) -> None:
    how, code = FAILURES[failure]
    before = failing.contents()
    body = {"title": "Never kept", "assignee_id": failing.world["user"]}

    for step in (0, 2):
        with failing.failure(how, after=step, retried=code == "unavailable"):
            answer = failing.client.post("tasks", body)
        assert answered(answer) == code
        assert_tells_nothing(answer)
        assert ("Retry-After" in answer.headers) == (code == "unavailable")
        assert failing.contents() == before
    assert failing.client.post("tasks", body).status_code == 201
