"""Kills the primary of a replica set of three: no key is given to two tasks, and no task loses its key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import SYSTEM
from tests.faults.replica_set import ReplicaSet, migrated_database, running_replica_set
from tests.running import Clients, wait_until

# Commands wait for the election of another primary.
DEADLINE = 40.0


@pytest.fixture
def replica_set() -> Iterator[ReplicaSet]:
    with running_replica_set() as running:
        yield running


@pytest.fixture
def database(replica_set: ReplicaSet) -> Iterator[Database[Any]]:
    with migrated_database(replica_set) as database:
        yield database


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
