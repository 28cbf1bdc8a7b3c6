"""Kills the primary of a replica set of three: no key is given to two tasks, and no task loses its key."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from taskmgr.infrastructure.embedded.mongod_binary import find_mongod
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import SYSTEM
from tests.running import Clients, free_port, short_folder, wait_until

# Commands wait for the election of another primary.
DEADLINE = 40.0


@dataclass
class ReplicaSet:
    """Three servers, by port."""

    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, folder: Path) -> None:
        for _ in range(3):
            port = free_port()
            data = folder / str(port)
            data.mkdir()
            self.servers[port] = subprocess.Popen(
                [
                    *(find_mongod(None), "--dbpath", data, "--port", str(port), "--bind_ip", "127.0.0.1"),
                    *("--replSet", "three", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"),
                    *("--setParameter", "enableTestCommands=1"),
                ],
                stdout=subprocess.DEVNULL,
            )
        for port in self.servers:  # the first asks the others when it initiates the set
            with self.client(port) as client:
                client.admin.command("ping")
        members = [{"_id": n, "host": f"127.0.0.1:{port}"} for n, port in enumerate(self.servers)]
        settings = {"electionTimeoutMillis": 2_000}
        with self.client(next(iter(self.servers))) as client:
            client.admin.command(
                "replSetInitiate", {"_id": "three", "members": members, "settings": settings}
            )

    @property
    def uri(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.servers)
        return f"mongodb://{hosts}/?replicaSet=three"

    def client(self, port: int) -> MongoClient[Any]:
        return MongoClient("127.0.0.1", port, directConnection=True)

    def primary(self, database: Database[Any]) -> int:
        hello = database.client.admin.command("hello")
        return int(hello["primary"].rpartition(":")[2])

    def stop_replication(self, primary: int) -> None:
        """Makes the secondaries replicate nothing, so that the primary's next writes exist only there."""
        for port in self.servers.keys() - {primary}:
            with self.client(port) as client:
                client.admin.command("configureFailPoint", "stopReplProducer", mode="alwaysOn")

    def go_on(self) -> None:
        """Lets the servers that are left replicate again."""
        for port in self.servers:
            with self.client(port) as client:
                client.admin.command("configureFailPoint", "stopReplProducer", mode="off")

    def kill(self, port: int) -> None:
        server = self.servers.pop(port)
        server.kill()
        server.wait()


@pytest.fixture
def replica_set() -> Iterator[ReplicaSet]:
    made = ReplicaSet()
    with short_folder() as folder:
        try:
            made.start(folder)
            yield made
        finally:
            for port in list(made.servers):
                made.kill(port)


@pytest.fixture
def database(replica_set: ReplicaSet) -> Iterator[Database[Any]]:
    database = open_database(replica_set.uri, "tests")
    with database.client:
        assert wait_until(partial(has_primary, database))
        migrate(database, DEFAULT_POLICY.time_zone)
        yield database


def has_primary(database: Database[Any]) -> bool:
    return database.client.primary is not None


@pytest.fixture
def services(database: Database[Any]) -> Services:
    return build_services(mongo_store(database, deadline=DEADLINE))


def create(services: Services, title: str = "Write") -> Task:
    return services.tasks.create(title=title, by=SYSTEM)


@pytest.mark.slow
def test_every_acknowledged_task_keeps_a_key_of_its_own(
    replica_set: ReplicaSet, database: Database[Any], services: Services
) -> None:
    acknowledged: dict[str, str | None] = {}

    def create_one(_: int) -> str:
        try:
            task = create(services)
        except Unavailable:
            return "unavailable"
        acknowledged[task.id] = task.key
        return "created"

    with Clients(create_one, number=6) as clients:
        assert wait_until(lambda: clients.answers["created"] > 50)
        before = len(acknowledged)
        replica_set.kill(replica_set.primary(database))
        assert wait_until(lambda: len(acknowledged) > before + 50)

    rows = {str(row["_id"]): row["key"] for row in database["tasks"].find()}
    assert {task_id: rows[task_id] for task_id in acknowledged} == acknowledged
    assert len(set(rows.values())) == len(rows)
    assert findings(database) == []


def findings(database: Database[Any]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    inspect_database(database, DEFAULT_POLICY, lambda *finding: found.append(finding))
    return found


class Held:
    """Gives a key that has been taken before."""

    def __init__(self, key: NextKey) -> None:
        self._key = key

    def take(self, _: str | None) -> NextKey:
        return self._key

    def give_back(self, _: str | None, key: NextKey) -> None: ...


@pytest.mark.slow
def test_a_number_that_the_failover_has_forgotten_is_given_to_one_task(
    replica_set: ReplicaSet, database: Database[Any], services: Services
) -> None:
    """The number is taken from the old primary alone; its task is stored by the new one."""
    assert create(services).key == "TASK-1"
    primary = replica_set.primary(database)
    replica_set.stop_replication(primary)
    (key,) = services.tasks.store.projects.take_keys(None)
    replica_set.kill(primary)
    replica_set.go_on()

    task = create(replace(services, tasks=replace(services.tasks, keys=Held(key))))
    next_task = create(services)

    assert (task.key, next_task.key) == ("TASK-2", "TASK-3")
    assert database["projects"].distinct("last_number") == [3]
    assert findings(database) == []
