"""A command is one transaction: kept whole or not at all, run again on a conflict, and never a hang."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.commands import Operation
from taskmgr.domain.model.errors import NotFound, Refusal, Refused, Unavailable, WriteConflict
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.client import COMMAND_DEADLINE, open_database
from taskmgr.infrastructure.mongo.repositories.activity import MongoActivityRepository
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.transaction import PartialWrite
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.factories import SYSTEM, a_change, a_task

SOON = COMMAND_DEADLINE - 1  # less than what has no shorter deadline may take


def is_there(store: Store, task: Task) -> bool:
    try:
        store.tasks.get(task.id)
    except NotFound:
        return False
    return True


def fails(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


# --- kept or not


def test_what_a_command_answers_is_answered(store: Store) -> None:
    assert store.unit_of_work.run(lambda: "answer") == "answer"


def test_what_a_command_writes_is_kept(store: Store) -> None:
    task = a_task()
    store.unit_of_work.run(lambda: store.tasks.add(task))
    assert store.tasks.get(task.id) == task


@pytest.mark.parametrize(
    "error",
    [Refused([Refusal(code="x", detail="x.")]), NotFound("task", "x"), ValueError("x"), KeyboardInterrupt()],
)
def test_a_command_that_raises_leaves_nothing(store: Store, error: BaseException) -> None:
    task = a_task()

    def command() -> None:
        store.tasks.add(task)
        store.activity.append(a_change(entity_id=task.id))
        raise error

    with pytest.raises(type(error)) as caught:
        store.unit_of_work.run(command)
    assert caught.value is error
    assert not is_there(store, task)
    assert store.activity.find(ActivityQuery(), PageRequest()).items == []


def test_a_command_sees_what_it_has_written(store: Store) -> None:
    task = a_task()

    def command() -> Task:
        store.tasks.add(task)
        return store.tasks.get(task.id)

    assert store.unit_of_work.run(command) == task


def test_nobody_else_sees_it_before_the_end(store: Store) -> None:
    task = a_task()

    def command() -> bool:
        store.tasks.add(task)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(is_there, store, task).result()

    assert store.unit_of_work.run(command) is False
    assert is_there(store, task)


def test_a_command_sees_one_state_however_long_it_takes(store: Store) -> None:
    task = a_task()
    store.tasks.add(task)

    def command() -> tuple[str, str]:
        first = store.tasks.get(task.id).title
        with ThreadPoolExecutor(1) as pool:
            pool.submit(store.tasks.replace, replace(task, title="Other", version=2)).result()
        return first, store.tasks.get(task.id).title

    assert store.unit_of_work.run(command) == ("Write the report", "Write the report")
    assert store.tasks.get(task.id).title == "Other"


# --- dry runs


def test_a_dry_run_answers_and_leaves_nothing(store: Store) -> None:
    task = a_task()

    def command() -> Task:
        store.tasks.add(task)
        return store.tasks.get(task.id)

    assert store.unit_of_work.run(command, dry_run=True) == task
    assert not is_there(store, task)


def test_a_dry_run_raises_as_the_command_does(store: Store) -> None:
    with pytest.raises(NotFound):
        store.unit_of_work.run(fails(NotFound("task", "x")), dry_run=True)


def test_after_a_dry_run_the_next_command_is_real(store: Store) -> None:
    task = a_task()
    store.unit_of_work.run(lambda: None, dry_run=True)
    store.unit_of_work.run(lambda: store.tasks.add(task))
    assert is_there(store, task)


# --- commands inside commands


def test_a_command_inside_another_joins_it(store: Store) -> None:
    one, two = a_task(), a_task()

    def outer() -> None:
        store.unit_of_work.run(lambda: store.tasks.add(one))
        store.tasks.add(two)
        raise ValueError

    with pytest.raises(ValueError):
        store.unit_of_work.run(outer)
    assert not is_there(store, one)
    assert not is_there(store, two)


def test_commands_inside_a_dry_run_leave_nothing(store: Store) -> None:
    task = a_task()
    inner = lambda: store.unit_of_work.run(lambda: store.tasks.add(task))  # noqa: E731
    store.unit_of_work.run(inner, dry_run=True)
    assert not is_there(store, task)


def test_a_dry_run_inside_a_real_command_is_refused_rather_than_kept(store: Store) -> None:
    task = a_task()

    def outer() -> None:
        store.unit_of_work.run(lambda: store.tasks.add(task), dry_run=True)

    with pytest.raises(RuntimeError):
        store.unit_of_work.run(outer)
    assert not is_there(store, task)


def test_a_dry_run_inside_a_dry_run_is_part_of_it(store: Store) -> None:
    inner = lambda: store.unit_of_work.run(lambda: "answer", dry_run=True)  # noqa: E731
    assert store.unit_of_work.run(inner, dry_run=True) == "answer"


def test_a_swallowed_failure_after_a_write_fails_the_outer_command(store: Store) -> None:
    task, other = a_task(), a_task()

    def write_and_fail() -> None:
        store.tasks.add(task)
        raise NotFound("task", "x")

    def outer() -> None:
        store.tasks.add(other)
        with suppress(NotFound):
            store.unit_of_work.run(write_and_fail)

    with pytest.raises(PartialWrite, match="NotFound"):
        store.unit_of_work.run(outer)
    assert not is_there(store, task)
    assert not is_there(store, other)


def test_a_swallowed_failure_before_a_write_does_not(store: Store) -> None:
    task = a_task()

    def outer() -> None:
        store.tasks.add(task)
        with suppress(NotFound):
            store.unit_of_work.run(fails(NotFound("task", "x")))

    store.unit_of_work.run(outer)
    assert is_there(store, task)


def test_a_bulk_whose_refused_operation_has_written_keeps_nothing(
    store: Store, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = MongoActivityRepository.append

    def refuse_once(self: MongoActivityRepository, change: Change) -> None:
        if change.after["title"] == "Refused":  # its task has been added before
            raise Refused([Refusal(code="x", detail="x.")])
        append(self, change)

    monkeypatch.setattr(MongoActivityRepository, "append", refuse_once)
    operations: list[Operation] = [{"op": "create", "title": title} for title in ("Kept", "Refused")]
    with pytest.raises(PartialWrite, match="Refused"):
        services.bulk.run(operations, by=SYSTEM, atomic=False)
    assert store.tasks.count(TaskQuery()) == 0


def test_two_stores_do_not_share_a_transaction(
    store: Store, mongodb_uri: str, database: Database[Any]
) -> None:
    with MongoClient(mongodb_uri, tz_aware=True) as client:
        other = mongo_store(client[database.name])
        task = a_task()

        def outer() -> None:
            other.unit_of_work.run(lambda: other.tasks.add(task))
            raise ValueError

        with pytest.raises(ValueError):
            store.unit_of_work.run(outer)
        assert is_there(store, task)


def test_all_changes_of_a_command_share_a_change_set(store: Store) -> None:
    def outer() -> tuple[str, str]:
        return store.unit_of_work.change_set, store.unit_of_work.run(lambda: store.unit_of_work.change_set)

    first, inner = store.unit_of_work.run(outer)
    assert first == inner
    assert store.unit_of_work.run(lambda: store.unit_of_work.change_set) != first


def test_outside_a_command_there_is_no_change_set(store: Store) -> None:
    with pytest.raises(RuntimeError):
        _ = store.unit_of_work.change_set


# --- conflicts


def test_a_command_that_meets_another_is_run_again_on_what_that_one_wrote(store: Store) -> None:
    task = a_task()
    store.tasks.add(task)
    attempts = []

    def command() -> None:
        before = store.tasks.get(task.id)
        attempts.append(before.version)
        if len(attempts) == 1:  # in between comes another
            with ThreadPoolExecutor(1) as pool:
                pool.submit(store.tasks.replace, replace(before, title="Other", version=2)).result()
        store.tasks.replace(replace(before, description="Mine", version=before.version + 1))

    store.unit_of_work.run(command)
    assert (attempts[0], set(attempts[1:])) == (1, {2})
    stored = store.tasks.get(task.id)
    assert (stored.title, stored.description, stored.version) == ("Other", "Mine", 3)


def test_a_conflict_that_a_repository_finds_runs_the_command_again(store: Store) -> None:
    attempts = []

    def command() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise WriteConflict
        return "answer"

    assert store.unit_of_work.run(command) == "answer"
    assert len(attempts) == 3


def test_a_conflict_inside_an_inner_command_runs_the_outer_one_again(store: Store) -> None:
    outer, inner = [], []

    def inner_command() -> None:
        inner.append(1)
        if len(inner) == 1:
            raise WriteConflict

    def outer_command() -> None:
        outer.append(1)
        store.unit_of_work.run(inner_command)

    store.unit_of_work.run(outer_command)
    assert (len(outer), len(inner)) == (2, 2)


@pytest.mark.parametrize("what", ["task", "user", "lock"])
def test_commands_that_touch_the_same_exclude_each_other(
    store: Store, make_user: Callable[..., Any], what: str
) -> None:
    task, user = a_task(), make_user("ada")
    store.tasks.add(task)
    touch = {
        "task": lambda: store.tasks.touch([task.id]),
        "user": lambda: store.users.touch(user.id),
        "lock": lambda: store.locks.touch("relations"),
    }[what]

    def claim() -> bool:
        """Adds a task unless there is one: without the touch, two at once would both find none."""
        touch()
        taken = store.tasks.find_ids(TaskQuery(statuses=("backlog",)), limit=1)
        if not taken:
            store.tasks.add(a_task(status="backlog"))
        return not taken

    barrier = threading.Barrier(8)

    def at_once(_: int) -> bool:
        barrier.wait()
        return store.unit_of_work.run(claim)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(at_once, range(8))) == [False] * 7 + [True]


def test_a_touch_meets_a_change_of_the_same_task(store: Store) -> None:
    task = a_task()
    store.tasks.add(task)
    attempts = []

    def command() -> None:
        attempts.append(1)
        store.tasks.get(task.id)
        if len(attempts) == 1:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(store.tasks.replace, replace(task, version=2)).result()
        store.tasks.touch([task.id])

    store.unit_of_work.run(command)
    assert len(attempts) >= 2


def test_counting_up_from_many_threads_loses_nothing(store: Store) -> None:
    task = a_task(reopen_count=0)
    store.tasks.add(task)

    def count() -> None:
        before = store.tasks.get(task.id)
        after = replace(before, reopen_count=before.reopen_count + 1, version=before.version + 1)
        store.tasks.replace(after)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.unit_of_work.run(count), range(32)))
    stored = store.tasks.get(task.id)
    assert (stored.reopen_count, stored.version) == (32, 33)


def test_a_command_that_meets_another_for_ever_ends_at_its_deadline(store: Store) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        store.unit_of_work.run(fails(WriteConflict()), seconds=0.3)
    assert 0.25 < time.monotonic() - began < SOON


# --- a server that does not answer


@pytest.fixture(scope="module")
def own_database() -> Iterator[tuple[Database[Any], int]]:
    """A server of its own, with its process id, to be paused."""
    with (
        tempfile.TemporaryDirectory(prefix="tm-") as place,
        EmbeddedDatabase(Path(place) / "data", cache_gib=0.25) as uri,
    ):
        database = open_database(uri, "tests")
        ensure_default_project(database)
        yield database, int((Path(place) / "data" / "db" / "mongod.lock").read_text())
        database.client.close()


Paused = tuple[Store, Services]


def pause(process: int) -> None:
    """Stops a process, and waits until the last of its threads has stopped."""
    os.kill(process, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while not all(state(thread) == "T" for thread in Path(f"/proc/{process}/task").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def state(thread: Path) -> str:
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def paused(own_database: tuple[Database[Any], int]) -> Iterator[Paused]:
    """A store and services with short deadlines, over a server that was fine until just now."""
    database, process = own_database
    build_services(mongo_store(database)).tasks.create(title="A connection is open", by=SYSTEM)
    store = mongo_store(database, deadline=0.5)
    services = build_services(store)
    pause(process)
    yield store, services
    os.kill(process, signal.SIGCONT)


def seconds_until_unavailable(call: Callable[[], object]) -> float:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        call()
    return time.monotonic() - began


def test_a_command_ends_at_its_deadline(paused: Paused) -> None:
    _, services = paused
    assert seconds_until_unavailable(lambda: services.tasks.create(title="x", by=SYSTEM)) < SOON


def test_a_read_ends_at_a_deadline_around_it(paused: Paused) -> None:
    store, services = paused

    def read() -> object:
        with store.health.deadline(0.5):
            return services.tasks.list(by=SYSTEM)

    assert seconds_until_unavailable(read) < SOON


def test_a_deadline_further_out_stays(paused: Paused, own_database: tuple[Database[Any], int]) -> None:
    store, _ = paused
    services = build_services(mongo_store(own_database[0]))

    def command() -> object:
        with store.health.deadline(0.5):
            return services.tasks.create(title="x", by=SYSTEM)

    assert seconds_until_unavailable(command) < SOON


def test_the_health_says_so_within_its_own_deadline(paused: Paused) -> None:
    store, _ = paused
    assert seconds_until_unavailable(store.health.check) < SOON


def test_a_server_that_goes_on_is_used_again(own_database: tuple[Database[Any], int]) -> None:
    database, process = own_database
    services = build_services(mongo_store(database, deadline=0.5))
    pause(process)
    try:
        seconds_until_unavailable(lambda: services.tasks.create(title="Before", by=SYSTEM))
    finally:
        os.kill(process, signal.SIGCONT)
    with services.health.deadline(10):
        services = build_services(mongo_store(database))
        services.tasks.create(title="After", by=SYSTEM)
        titles = [task.title for task in services.tasks.iterate(by=SYSTEM)]
    assert titles[0] == "After"


def test_a_healthy_store_says_nothing(store: Store) -> None:
    store.health.check()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    uri = f"mongodb://{str(tmp_path / 'no.sock').replace('/', '%2F')}"
    database = open_database(uri, "tests")
    store = mongo_store(database, deadline=0.3)
    assert seconds_until_unavailable(lambda: store.unit_of_work.run(lambda: store.tasks.add(a_task()))) < SOON
    with store.health.deadline(0.3):
        seconds_until_unavailable(lambda: store.tasks.find_ids(TaskQuery(), limit=1))
    database.client.close()
