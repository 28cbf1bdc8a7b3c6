"""Tests which numbers new and moved tasks get, and which come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import DomainError, NotPermitted, Refused
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.idempotency import StoredResponse
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk_results import BulkRefused, BulkResult
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.conftest import empty
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]
REFUSED: Mapping[str, Any] = {"status": "in_progress"}  # without an assignee


@pytest.fixture
def ops(services: Services) -> str:
    """Makes the project OPS."""
    return services.projects.create(key="OPS", name="Operations", by=SYSTEM).id


def create(services: Services, **fields: Any) -> str | None:
    return services.tasks.create(**{"title": "Write", "by": SYSTEM, **fields}).key


def creates(*projects: str | None, **fields: Any) -> list[Any]:
    """Returns the operations of a bulk that create a task in each of these projects."""
    return [{"op": "create", "title": "Write", "project": project, **fields} for project in projects]


def keys_of(result: BulkResult) -> list[str | None]:
    """Returns the key of each operation's task; None if it failed."""
    return [each.task and each.task.key for each in result.results]


# --- single commands


def test_every_project_counts_from_1(services: Services, ops: str) -> None:
    assert [create(services) for _ in range(2)] == ["TASK-1", "TASK-2"]
    assert [create(services, project=project) for project in ("OPS", "ops", ops)] == [
        "OPS-1", "OPS-2", "OPS-3",
    ]  # fmt: skip


def test_a_command_that_creates_nothing_leaves_no_gap(services: Services, viewer: Actor) -> None:
    with pytest.raises(Refused):
        create(services, **REFUSED)
    with pytest.raises(NotPermitted):
        create(services, by=viewer)
    assert create(services, dry_run=True) is None
    assert create(services) == "TASK-1"


def test_a_change_that_does_not_move_the_task_takes_no_number(
    services: Services, make_task: MakeTask, ops: str
) -> None:
    task = make_task(project="OPS")
    services.tasks.change(task.id, {"project": "ops"}, by=SYSTEM)
    services.tasks.change(task.id, {"project": ops, "title": "Read"}, by=SYSTEM)
    with pytest.raises(Refused):
        services.tasks.change(task.id, {"project": "TASK", **REFUSED}, by=SYSTEM)
    assert [create(services), create(services, project="OPS")] == ["TASK-1", "OPS-2"]


def test_a_number_comes_back_only_if_no_later_one_has_been_taken(store: Store) -> None:
    first, second = store.projects.take_keys(None), store.projects.take_keys(None)
    store.projects.return_keys(first)
    assert numbers(store.projects.take_keys(None)) == [3]
    store.projects.return_keys(second)
    assert numbers(store.projects.take_keys(None, 2)) == [4, 5]


def numbers(keys: Sequence[NextKey]) -> list[int]:
    return [key.number for key in keys]


# Each step is a client that takes so many numbers, or gives back all but the first few of its own.
STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), max_size=30)


@pytest.mark.slow
@given(STEPS)
def test_no_number_is_given_to_two_clients(database: Database[Any], steps: list[Any]) -> None:
    empty(database)
    projects = mongo_store(database).projects
    held: dict[int, tuple[NextKey, ...]] = {}
    used: list[int] = []
    for client, count, fails in steps:
        keys = held.pop(client, ())
        used_keys = keys[:count]
        used += numbers(used_keys)
        if not fails:  # otherwise its connection breaks before it gives anything back
            projects.return_keys(keys[count:])
        held[client] = projects.take_keys(None, count + 1)
    everything = [*used, *(number for keys in held.values() for number in numbers(keys))]
    assert len(set(everything)) == len(everything)


# --- bulk


class Heard(CommandListener):
    """Lists the commands that are sent to the server, each with its collection."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(f"{event.command_name} {event.command[event.command_name]}")

    def succeeded(self, event: Any) -> None: ...
    def failed(self, event: Any) -> None: ...


@contextmanager
def watched(uri: str, database: Database[Any]) -> Iterator[tuple[Heard, Services]]:
    """Yields services over a client of their own, and the commands that it sends."""
    heard = Heard()
    with MongoClient(uri, tz_aware=True, event_listeners=[heard]) as client:
        yield heard, build_services(mongo_store(client[database.name]))


def test_the_numbers_of_a_bulk_take_one_call_for_each_project(
    mongodb_uri: str, database: Database[Any], services: Services, ops: str
) -> None:
    with watched(mongodb_uri, database) as (heard, over_client):
        over_client.bulk.run(creates(*[None] * 1_000), by=SYSTEM)
        assert heard.commands.count("findAndModify projects") == 1
        over_client.bulk.run(creates(*["OPS", ops, None] * 20), by=SYSTEM)
    assert heard.commands.count("findAndModify projects") == 1 + 3
    assert [create(services), create(services, project="OPS")] == ["TASK-1021", "OPS-41"]


def test_a_bulk_over_projects_numbers_each_in_order(services: Services, ops: str) -> None:
    operations = creates(None, "OPS", "task", "OPS", ops, None)
    result = services.bulk.run(operations, by=SYSTEM)
    keys = keys_of(result)
    assert keys == ["TASK-1", "OPS-1", "TASK-3", "OPS-2", "OPS-3", "TASK-2"]


def test_a_bulk_that_is_not_atomic_leaves_no_gap_for_what_is_refused(services: Services) -> None:
    operations = [*creates(None), *creates(None, **REFUSED), *creates(None, None), *creates(None, **REFUSED)]
    result = services.bulk.run(operations, atomic=False, by=SYSTEM)
    assert keys_of(result) == ["TASK-1", None, "TASK-2", "TASK-3", None]
    assert create(services) == "TASK-4"


def test_a_bulk_that_is_rolled_back_leaves_no_gap(services: Services) -> None:
    with pytest.raises(BulkRefused):
        services.bulk.run([*creates(None, None), *creates(None, **REFUSED)], by=SYSTEM)
    services.bulk.run(creates(None, None), dry_run=True, by=SYSTEM)
    assert create(services) == "TASK-1"


def test_a_bulk_by_query_moves_tasks_to_the_end_of_a_project(
    services: Services, make_task: MakeTask, ops: str
) -> None:
    make_task(project="OPS", labels=["x"])
    for _ in range(3):
        make_task(labels=["x"])
    moved = services.bulk.change_where(TaskQuery(labels=("x",)), {"project": "OPS"}, expect=4, by=SYSTEM)
    assert sorted(map(str, keys_of(moved))) == ["OPS-1", "OPS-2", "OPS-3", "OPS-4"]
    assert create(services, project="OPS") == "OPS-5"


# --- a failover that has lost the newest state of a counter


Way = Callable[[Services], list[str | None]]


def once(services: Services) -> list[str | None]:
    """Creates a task with an idempotency key, so that the create joins another command."""
    made: list[str | None] = []

    def command() -> StoredResponse:
        made[:] = [create(services)]
        return StoredResponse(status=201, headers={}, body=b"")

    services.idempotency.run("key", b"f" * 32, command, by=SYSTEM)
    return made


def bulk(services: Services) -> list[str | None]:
    return keys_of(services.bulk.run(creates(None, None), by=SYSTEM))


def move(services: Services) -> list[str | None]:
    task = services.tasks.create(title="Write", project="OPS", by=SYSTEM)
    return [services.tasks.change(task.id, {"project": "TASK"}, by=SYSTEM).key]


@pytest.mark.parametrize("way", [lambda services: [create(services)], bulk, move, once])
def test_a_command_whose_key_another_task_has_takes_a_new_one(
    services: Services, make_task: MakeTask, ops: str, database: Database[Any], way: Way
) -> None:
    before = [make_task().key for _ in range(4)]
    database["projects"].update_one({"key": "TASK"}, {"$set": {"last_number": 1}})

    made = way(services)

    assert made
    assert None not in made
    keys = [row["key"] for row in database["tasks"].find()]
    assert set(keys) == {*before, *made}
    assert len(keys) == len(before) + len(made)


def test_a_former_key_is_not_given_to_another_task(
    services: Services, make_task: MakeTask, ops: str, database: Database[Any]
) -> None:
    task = make_task()
    services.tasks.change(task.id, {"project": "OPS"}, by=SYSTEM)
    database["projects"].update_one({"key": "TASK"}, {"$set": {"last_number": 0}})

    assert create(services) == "TASK-2"
    assert services.tasks.get("task-1", by=SYSTEM).id == task.id


def test_without_a_default_project_a_create_says_what_to_do(
    services: Services, database: Database[Any]
) -> None:
    database["projects"].delete_many({})
    with pytest.raises(DomainError, match="There is no default project: run `taskmgr db migrate`"):
        create(services)
