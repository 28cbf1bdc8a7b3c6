"""The services that faults strike, each with its database: one at a time, in a folder of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from tests.faults.replica_set import ReplicaSet, has_primary, running_replica_set
from tests.faults.table.load import Address, Follower
from tests.faults.table.proxy import Proxy
from tests.integration.test_cli_db import a_mongod
from tests.outside import Machine, listening
from tests.running import Service, free_port, run, short_folder, stop, wait_until

_DATABASE = "taskmgr"
_DISK = "700m"


class CannotStage(Exception):
    """This machine cannot provide what a stage needs."""


@dataclass(kw_only=True)
class Stage:
    """A running service with a client that follows its changes and a receiver of its webhooks.

    `database` is read without the service. Of the other parts, a stage has those that its faults need.
    """

    service: Service
    address: Address
    database: Database[Any]
    follower: Follower
    receiver: Machine
    webhook: str  # its id
    members: ReplicaSet | None = None
    proxy: Proxy | None = None
    disk: Path | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        return self.service.settings

    def restart(self) -> None:
        """Starts a service in the place of one that has ended, and again if it ends, as systemd does.

        On a busy machine, the workers of a master that was killed may hold the port for some seconds.
        """
        assert self.service.has_ended

        def runs() -> bool:
            if self.service.has_ended:
                self.service = _start(self.service.place, self.address, self.settings)
            return "The service is running" in self.service.out

        assert wait_until(runs), self.service.err

    def is_up(self, path: str = "/readyz") -> bool:
        with suppress(OSError):
            return self.address.call("GET", path)[0] == 200
        return False

    def primary(self) -> int:
        """Waits until the three members have a primary, and returns its port."""
        found: list[int] = []

        def ask() -> bool:
            with suppress(PyMongoError):
                found[:] = [self.three.primary(self.database)]
            return bool(found)

        assert wait_until(ask), "no primary"
        return found[0]

    def secondary(self) -> int:
        primary = self.primary()
        return next(port for port in self.three.servers if port != primary)

    @property
    def three(self) -> ReplicaSet:
        assert self.members is not None
        return self.members


@contextmanager
def embedded() -> Iterator[Stage]:
    with short_folder() as place, _served(place, _embedded_settings(place)) as stage:
        yield stage


@contextmanager
def small_disk() -> Iterator[Stage]:
    """An embedded database whose folder is a disk of its own, in memory."""
    with (
        short_folder() as place,
        _mounted(place / "disk") as disk,
        _served(place, _embedded_settings(disk)) as stage,
    ):
        stage.disk = disk
        yield stage


@contextmanager
def three_members() -> Iterator[Stage]:
    with running_replica_set() as members, short_folder() as place:
        database = open_database(members.uri, _DATABASE)
        with database.client:
            assert wait_until(partial(has_primary, database))
        with _served(place, _outside_settings(members.uri)) as stage:
            stage.members = members
            yield stage


@contextmanager
def behind_proxy() -> Iterator[Stage]:
    """A replica set with one member, behind a proxy."""
    with a_mongod("--replSet", "one") as port, Proxy(port) as proxy, short_folder() as place:
        uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        initiate_replica_set(uri)
        settings = _outside_settings(uri.replace(str(port), str(proxy.port)))
        with _served(place, settings, uri=uri) as stage:
            stage.proxy = proxy
            yield stage


STAGES: Mapping[str, Callable[[], Any]] = {
    "embedded": embedded,
    "three members": three_members,
    "behind a proxy": behind_proxy,
    "small disk": small_disk,
}


def _embedded_settings(place: Path) -> dict[str, str]:
    return {"DATA_DIR": str(place / "data")}


def _outside_settings(uri: str) -> dict[str, str]:
    settings = {"MONGODB_URI": uri, "SECRET_KEY": "x" * 32}
    migrated = run(settings, "db", "migrate")
    assert migrated.status == 0, migrated.err
    return settings


@contextmanager
def _served(place: Path, settings: Mapping[str, str], *, uri: str | None = None) -> Iterator[Stage]:
    """Yields a stage with these settings; `uri` is that of the database if not the service's own."""
    uri = uri or settings.get("MONGODB_URI") or EmbeddedDatabase(Path(settings["DATA_DIR"])).uri
    address = Address(free_port())
    with listening() as receiver:
        outgoing = {"OUTGOING_NETWORKS": "127.0.0.1", "OUTGOING_PORTS": str(receiver.port)}
        service = _start(place, address, {**settings, **outgoing})
        stage: Stage | None = None
        try:
            address.token = service.wait_until_up().token
            database = open_database(uri, _DATABASE)
            with database.client, Follower(address) as follower:
                stage = Stage(
                    service=service, address=address, database=database, follower=follower,
                    receiver=receiver, webhook=_add_webhook(address, receiver),
                )  # fmt: skip
                yield stage
        finally:
            stop(stage.service if stage else service)


def _start(place: Path, address: Address, settings: Mapping[str, str]) -> Service:
    return Service(place, "--bind", f"127.0.0.1:{address.port}", **settings)


def _add_webhook(address: Address, receiver: Machine) -> str:
    body = {"url": receiver.url(), "kinds": ["task.*", "comment.*"]}
    status, webhook = address.call("POST", "/api/v1/webhooks", body)
    assert status == 201, webhook
    return str(webhook["id"])


@contextmanager
def _mounted(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStage(f"a small disk cannot be mounted: {error}") from error
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
