"""A replica set of three servers, whose members can be killed, started again, and kept from replicating."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.infrastructure.embedded.mongod_binary import find_mongod
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from tests.running import free_port, short_folder, wait_until


@dataclass
class ReplicaSet:
    """Three servers with their data in a folder; `servers` has those that run, by port."""

    folder: Path
    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        ports = [free_port() for _ in range(3)]
        for port in ports:
            (self.folder / str(port)).mkdir()
            self.run(port)
        for port in ports:  # the first asks the others when it initiates the set
            with self.client(port) as client:
                client.admin.command("ping")
        members = [{"_id": n, "host": f"127.0.0.1:{port}"} for n, port in enumerate(ports)]
        settings = {"electionTimeoutMillis": 2_000}
        with self.client(ports[0]) as client:
            client.admin.command(
                "replSetInitiate", {"_id": "three", "members": members, "settings": settings}
            )

    def run(self, port: int) -> None:
        """Starts the server of a port, again if it was killed."""
        self.servers[port] = subprocess.Popen(
            [
                *(find_mongod(None), "--dbpath", self.folder / str(port), "--port", str(port)),
                *("--bind_ip", "127.0.0.1", "--replSet", "three", "--nounixsocket"),
                *("--wiredTigerCacheSizeGB", "0.25", "--setParameter", "enableTestCommands=1"),
            ],
            stdout=subprocess.DEVNULL,
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

    def is_complete(self, database: Database[Any]) -> bool:
        """Returns True if all three servers have stored everything up to now, also after a rollback."""
        all_three = database.get_collection("tests_kept", write_concern=WriteConcern(3, wtimeout=5_000))
        try:
            all_three.update_one({"_id": "kept"}, {"$inc": {"times": 1}}, upsert=True)
        except PyMongoError:
            return False
        return True

    def kill(self, port: int) -> None:
        server = self.servers.pop(port)
        server.kill()
        server.wait()


@contextmanager
def running_replica_set() -> Iterator[ReplicaSet]:
    """Yields a replica set, whose servers are killed at the end."""
    with short_folder() as folder:
        made = ReplicaSet(folder)
        try:
            made.start()
            yield made
        finally:
            for port in list(made.servers):
                made.kill(port)


@contextmanager
def migrated_database(replica_set: ReplicaSet) -> Iterator[Database[Any]]:
    """Yields an empty database on a replica set, with all its indexes."""
    database = open_database(replica_set.uri, "tests")
    with database.client:
        assert wait_until(partial(has_primary, database))
        migrate(database, DEFAULT_POLICY.time_zone)
        yield database


def has_primary(database: Database[Any]) -> bool:
    return database.client.primary is not None
