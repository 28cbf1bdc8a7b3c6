"""Bringing a database up to date: as often as one likes, from anywhere, with nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import ObjectId
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.due_date import DueDate
from taskmgr.domain.errors import CannotStart
from taskmgr.infrastructure.documents import DOCUMENTS, UNDATED
from taskmgr.infrastructure.migrations import (
    STORED_FORM,
    declared_indexes,
    is_current,
    migrate,
    require_known_form,
    stored_form,
)
from taskmgr.infrastructure.store import mongo_store
from tests.factories import NOW, a_full_task, a_task

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
DECLARED = {
    f"{document._meta['collection']}.{name}" for document in DOCUMENTS for name in declared_indexes(document)
}


@pytest.fixture
def fresh(worker_database: Database[Any]) -> Iterator[Database[Any]]:
    """A database that nobody has used yet."""
    client = worker_database.client
    name = f"{worker_database.name}_fresh"
    client.drop_database(name)
    yield client[name]
    client.drop_database(name)


def indexes(database: Database[Any]) -> set[str]:
    return {
        f"{name}.{index}"
        for name in database.list_collection_names()
        for index in database[name].index_information()
        if index != "_id_"
    }


# --- indexes


def test_a_fresh_database_gets_every_declared_index(fresh: Database[Any]) -> None:
    done = migrate(fresh, UTC)
    assert set(done.made) == indexes(fresh) == DECLARED
    assert (done.dropped, done.due_dates) == ((), 0)


def test_the_second_time_there_is_nothing_to_do(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    done = migrate(fresh, UTC)
    assert (done.made, done.dropped, done.due_dates) == ((), (), 0)


def test_two_machines_at_once_do_no_harm(fresh: Database[Any]) -> None:
    for _ in range(3):
        fresh.client.drop_database(fresh.name)
        barrier = threading.Barrier(4)

        def at_once(_: int, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            migrate(fresh, UTC)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(at_once, range(4)))
        assert is_current(fresh, UTC)
        assert indexes(fresh) == DECLARED


def test_two_machines_at_once_repair_a_changed_index(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    for _ in range(3):
        fresh.tasks.drop_index("newest")
        fresh.tasks.create_index([("created_at", 1)], name="newest")
        barrier = threading.Barrier(4)

        def at_once(_: int, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            migrate(fresh, UTC)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(at_once, range(4)))
        assert is_current(fresh, UTC)


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ([("username", 1)], {}),
        ([("username", -1)], {"unique": True}),
        ([("username", 1), ("_id", 1)], {"unique": True}),
        ([("name", 1)], {"unique": True}),
        ([("username", 1)], {"unique": True, "partialFilterExpression": {"active": True}}),
        ([("username", 1)], {"unique": True, "sparse": True}),
        ([("username", 1)], {"unique": True, "collation": {"locale": "en", "strength": 2}}),
        ([("username", 1)], {"unique": True, "hidden": True}),
    ],
    ids=["not unique", "backwards", "longer", "another field", "partial", "sparse", "collated", "hidden"],
)
def test_an_index_that_is_otherwise_than_declared_is_made_anew(
    fresh: Database[Any], keys: list[tuple[str, int]], options: dict[str, Any]
) -> None:
    migrate(fresh, UTC)
    wanted = fresh.users.index_information()["username"]
    fresh.users.drop_index("username")
    fresh.users.create_index(keys, name="username", **options)
    assert not is_current(fresh, UTC)
    done = migrate(fresh, UTC)
    assert (done.dropped, done.made) == (("users.username",), ("users.username",))
    assert fresh.users.index_information()["username"] == wanted


def test_an_index_that_is_not_declared_is_dropped(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    fresh.tasks.create_index("title", name="by_hand")
    assert not is_current(fresh, UTC)
    assert migrate(fresh, UTC).dropped == ("tasks.by_hand",)
    assert indexes(fresh) == DECLARED


def test_a_missing_index_is_made(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    fresh.tasks.drop_index("labels")
    assert not is_current(fresh, UTC)
    assert migrate(fresh, UTC).made == ("tasks.labels",)


def test_what_is_unique_is_unique_after_a_migration(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    fresh.users.insert_one({"username": "ada", "email_key": "a@b"})
    with pytest.raises(DuplicateKeyError):
        fresh.users.insert_one({"username": "ada"})
    with pytest.raises(DuplicateKeyError):
        fresh.users.insert_one({"username": "bob", "email_key": "a@b"})
    fresh.users.insert_one({"username": "cyd", "email_key": None})
    fresh.users.insert_one({"username": "dan", "email_key": None})


def test_a_collection_of_somebody_elses_is_left_alone(fresh: Database[Any]) -> None:
    fresh.notes.create_index("text", name="by_hand")
    migrate(fresh, UTC)
    assert indexes(fresh) == {*DECLARED, "notes.by_hand"}


# --- the stored form


def test_a_fresh_database_is_in_no_form_and_not_current(fresh: Database[Any]) -> None:
    assert stored_form(fresh) is None
    assert not is_current(fresh, UTC)
    require_known_form(fresh)


def test_a_migrated_database_is_in_this_releases_form(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    assert stored_form(fresh) == STORED_FORM
    assert is_current(fresh, UTC)


def test_a_database_of_a_later_release_is_refused_and_left_as_it_is(fresh: Database[Any]) -> None:
    fresh.meta.insert_one({"_id": "stored_form", "version": STORED_FORM + 1, "time_zone": "UTC"})
    for refuse in (lambda: migrate(fresh, UTC), lambda: require_known_form(fresh)):
        with pytest.raises(CannotStart, match=r"later release"):
            refuse()
    assert not is_current(fresh, UTC)
    assert stored_form(fresh) == STORED_FORM + 1
    assert indexes(fresh) == set()


# --- another time zone


def test_another_time_zone_moves_plain_due_dates_and_nothing_else(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    store = mongo_store(fresh)
    plain = a_task(due_date=DueDate.on(date(2026, 12, 1), UTC))
    binned = replace(a_full_task(), due_date=DueDate.on(date(2026, 7, 1), UTC))
    instant = a_task(due_date=DueDate.at_instant(NOW))
    undated = a_task()
    for task in (plain, binned, instant, undated):
        store.tasks.add(task)

    assert not is_current(fresh, BERLIN)
    assert migrate(fresh, BERLIN).due_dates == 2
    assert is_current(fresh, BERLIN)

    assert store.tasks.get(plain.id) == replace(plain, due_date=DueDate.on(date(2026, 12, 1), BERLIN))
    moved = store.tasks.get(binned.id, binned=True)
    assert moved == replace(binned, due_date=DueDate.on(date(2026, 7, 1), BERLIN))
    assert store.tasks.get(instant.id) == instant
    assert store.tasks.get(undated.id) == undated
    assert fresh.tasks.find_one({"_id": ObjectId(undated.id)})["due_at"] == UNDATED  # type: ignore[index]


def test_the_same_time_zone_moves_nothing(fresh: Database[Any]) -> None:
    migrate(fresh, BERLIN)
    mongo_store(fresh).tasks.add(a_task(due_date=DueDate.on(date(2026, 12, 1), UTC)))
    assert migrate(fresh, BERLIN).due_dates == 0


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(9999, 12, 30)])
def test_the_ends_of_the_calendar_move_too(fresh: Database[Any], day: date) -> None:
    migrate(fresh, UTC)
    store = mongo_store(fresh)
    task = a_task(due_date=DueDate.on(day, UTC))
    store.tasks.add(task)
    for zone in (TOKYO, BERLIN, UTC):
        assert migrate(fresh, zone).due_dates == 1
        assert store.tasks.get(task.id).due_date == DueDate.on(day, zone)


def test_many_due_dates_move_from_two_machines_at_once(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    store = mongo_store(fresh)
    due = DueDate.on(date(2026, 12, 1), UTC)
    row = {"binned": False, "due_date": str(due), "due_at": due.at}
    fresh.tasks.insert_many([{**row, "title": f"{number}"} for number in range(2_500)])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(fresh, TOKYO), range(2)))
    assert fresh.tasks.distinct("due_at") == [datetime(2026, 12, 1, 15, tzinfo=UTC)]
    store.health.check()
