"""A database whose answers come too late: what it still does of a command must not delay others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import SYSTEM
from tests.faults.table.proxy import Proxy
from tests.integration.test_cli_db import a_mongod

# Seconds. The first calls of a command are in time, and a later one is not.
DELAY, DEADLINE = 0.7, 2.0
PATIENCE = 30.0  # half of the time that the server keeps an abandoned transaction


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with a_mongod("--replSet", "slow") as port, Proxy(port) as proxy:
        initiate_replica_set(f"mongodb://127.0.0.1:{port}")
        yield proxy


@pytest.fixture
def database(proxy: Proxy) -> Iterator[Database[Any]]:
    database = open_database(f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true", "tests")
    with database.client:
        migrate(database, DEFAULT_POLICY.time_zone)
        yield database


def test_a_command_that_misses_its_deadline_does_not_keep_others_from_writing(
    proxy: Proxy, database: Database[Any]
) -> None:
    hurried, patient = (build_services(mongo_store(database, deadline=d)) for d in (DEADLINE, PATIENCE))
    task = patient.tasks.create(title="Slow", by=SYSTEM)

    proxy.delay = DELAY
    with pytest.raises(Unavailable):
        hurried.tasks.change(task.id, {"title": "Too late"}, by=SYSTEM)
    proxy.delay = 0.0
    changed = patient.tasks.change(task.id, {"title": "In time"}, by=SYSTEM)

    assert (changed.title, changed.version) == ("In time", 2)
