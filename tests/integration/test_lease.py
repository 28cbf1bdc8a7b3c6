"""A lease is held by one process at a time, and can be taken over after its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database

from taskmgr.infrastructure.mongo.lease import Lease


def test_only_one_process_gets_the_lease_and_can_renew_it(database: Database[Any]) -> None:
    one, other = Lease(database, "work"), Lease(database, "work")

    assert one.acquire()
    assert not other.acquire()
    assert one.acquire()
    assert not other.acquire()


def test_an_expired_lease_can_be_taken_and_is_lost_to_its_holder(database: Database[Any]) -> None:
    one, other = Lease(database, "work"), Lease(database, "work")
    one.acquire()
    database["leases"].update_one({"_id": "work"}, {"$set": {"until": datetime(2020, 1, 1, tzinfo=UTC)}})

    assert other.acquire()
    assert not one.acquire()


def test_a_released_lease_can_be_taken_at_once(database: Database[Any]) -> None:
    one, other = Lease(database, "work"), Lease(database, "work")
    one.acquire()

    other.release()  # which is not its own
    assert not other.acquire()
    one.release()
    assert other.acquire()


def test_a_process_with_the_same_holder_takes_over_at_once(database: Database[Any]) -> None:
    assert Lease(database, "work", holder="a").acquire()
    assert Lease(database, "work", holder="a").acquire()


def test_leases_of_different_names_do_not_exclude_each_other(database: Database[Any]) -> None:
    assert Lease(database, "work").acquire()
    assert Lease(database, "other work").acquire()
