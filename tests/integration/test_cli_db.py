"""`taskmgr db` on servers as an operator has them: new, half set up, stand-alone, of another release."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.services import Services
from taskmgr.infrastructure.embedded.mongod_binary import find_mongod
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.integration.test_cli_demo import STRICT
from tests.running import Settings, free_port, run_here, short_folder

INDEXES = 10  # at least so many are declared


@contextmanager
def a_mongod(*words: str) -> Iterator[int]:
    """A server as somebody else starts it, on a TCP port."""
    port = free_port()
    with short_folder() as place:
        (place / "db").mkdir()
        server = subprocess.Popen(
            [
                *(find_mongod(None), "--dbpath", place / "db", "--port", str(port), "--nounixsocket"),
                *("--wiredTigerCacheSizeGB", "0.25", "--bind_ip", "127.0.0.1", *words),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            with MongoClient("127.0.0.1", port, directConnection=True) as client:
                client.admin.command("hello")
            yield port
        finally:
            server.kill()
            server.wait()


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str) -> Settings:
    ensure_default_project(database)
    return {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}


@pytest.fixture
def fresh(worker_database: Database[Any], mongodb_uri: str) -> Iterator[Settings]:
    """A database that nobody has used yet."""
    name = f"{worker_database.name}_fresh"
    yield {"MONGODB_URI": mongodb_uri, "DATABASE": name}
    worker_database.client.drop_database(name)


# --- init


def test_a_new_server_is_made_a_replica_set_and_migrated_and_again_does_no_harm() -> None:
    with a_mongod("--replSet", "theirs") as port:
        settings = {"MONGODB_URI": f"mongodb://127.0.0.1:{port}/work"}
        before = run_here(settings, "db", "status")
        first = run_here(settings, "db", "init")
        second = run_here(settings, "db", "init")
        after = run_here(settings, "db", "status", "--json")
        # Stands for all that a server may refuse, such as a missing right.
        refused = run_here({"MONGODB_URI": f"mongodb://127.0.0.1:{port}/local"}, "db", "migrate")

    assert (before.status, before.err) == (
        1,
        "The replica set is not initiated: run `taskmgr db init` once.\n",
    )
    assert first.status == 0, first.err
    assert first.out.startswith("Initiated the replica set.\nCreated the index ")
    assert second.out == "The replica set is already initiated.\nThe database is already up to date.\n"
    assert (after.status, after.json["current"], after.json["replica_set"]) == (0, True, "theirs")
    assert after.json["database"] == "work"
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert refused.err.startswith(
        "The database reported an error: pymongo.errors.WriteError [code 20]: retryable writes"
    )


def test_a_stand_alone_server_is_refused_with_what_to_do() -> None:
    with a_mongod() as port:
        settings = {"MONGODB_URI": f"mongodb://127.0.0.1:{port}"}
        init, status, doctor = (
            run_here(settings, *words) for words in (("db", "init"), ("db", "status"), ("doctor",))
        )

    assert (init.status, init.err) == (
        1,
        "This mongod was started without `--replSet`: start it with `--replSet taskmgr`.\n",
    )
    assert status.status == 1
    assert status.err.startswith("This MongoDB is a stand-alone server, which has no transactions: ")
    assert doctor.status == 1
    assert doctor.out == f"database: {status.err}"


def test_on_the_embedded_database_init_finds_everything_done(tmp_path: Path) -> None:
    with short_folder() as place:
        done = run_here({"DATA_DIR": str(place / "data")}, "db", "init")

    assert done.status == 0
    assert done.out.startswith("Created the index ")


# --- migrate and status


def test_a_migration_says_what_it_does_and_then_that_there_is_nothing(fresh: Settings) -> None:
    outdated = run_here(fresh, "db", "status")
    first, second = run_here(fresh, "db", "migrate"), run_here(fresh, "db", "migrate")
    current = run_here(fresh, "db", "status")

    assert (outdated.status, outdated.out.endswith("not up to date: run `taskmgr db migrate`\n")) == (1, True)
    assert first.out.count("Created the index ") >= INDEXES
    assert second.out == "The database is already up to date.\n"
    assert (current.status, current.out.count("\n")) == (0, 1)
    assert current.out.endswith(": 0 tasks, 0 users; up to date; 1 change not in the feed yet\n")


def test_another_time_zone_moves_due_dates(settings: Settings, services: Services, system: Actor) -> None:
    for day in (1, 2):
        services.tasks.create(title="Dated", due_date=f"2026-04-0{day}", by=system)
    services.tasks.create(title="Undated", by=system)
    berlin = {**settings, "TIMEZONE": "Europe/Berlin"}
    try:
        assert run_here(berlin, "db", "status").status == 1
        refused = run_here(berlin, "users", "list")
        assert refused.status == 1
        assert "stored for the time zone UTC, and TASKMGR_TIMEZONE is Europe/Berlin" in refused.err
        moved = run_here(berlin, "db", "migrate")
        assert moved.out == "Updated the derived fields of 2 tasks.\n"
        assert run_here(berlin, "doctor").out == "Everything is in order.\n"
    finally:
        run_here(settings, "db", "migrate")


@pytest.mark.parametrize("words", [("db", "migrate"), ("users", "list")])
def test_a_database_of_a_later_release_is_left_alone(
    settings: Settings, database: Database[Any], words: tuple[str, ...]
) -> None:
    form = database.meta.find_one({"_id": "stored_form"})
    assert form is not None
    database.meta.update_one({"_id": "stored_form"}, {"$set": {"version": 1000}})
    try:
        refused = run_here(settings, *words)
    finally:
        database.meta.replace_one({"_id": "stored_form"}, form)

    assert (refused.status, refused.out) == (1, "")
    assert "has used this database (its schema version is 1000" in refused.err


# --- statuses that a new policy lacks


@pytest.fixture
def strict(settings: Settings, tmp_path: Path) -> Settings:
    policy = tmp_path / "policy.toml"
    policy.write_text(STRICT)
    return {**settings, "POLICY": str(policy)}


def test_statuses_that_the_policy_lacks_are_mapped_with_an_entry_in_the_log(
    strict: Settings, services: Services, system: Actor, database: Database[Any]
) -> None:
    waiting = services.tasks.create(title="Waiting", by=system)
    binned = services.tasks.bin(services.tasks.create(title="Binned", by=system).id, by=system)

    refused = run_here(strict, "users", "list")
    mapped = run_here(strict, "db", "map-status", waiting.status, "solved")
    again = run_here(strict, "db", "map-status", waiting.status, "solved")

    assert refused.err.startswith(
        f"Stored tasks have statuses that are not in the policy: {waiting.status} (2 tasks)"
    )
    assert (mapped.out, again.out) == (
        f"Changed the status of 2 tasks from {waiting.status} to solved.\n",
        f"Changed the status of 0 tasks from {waiting.status} to solved.\n",
    )
    assert run_here(strict, "users", "list").status == 0
    row = database.tasks.find_one({"_id": ObjectId(binned.id)})
    assert row is not None
    assert (row["status"], row["version"], row["binned"]) == ("solved", 3, True)
    doctor = run_here(strict, "doctor")
    assert doctor.out == "Everything is in order.\n"


def test_only_a_status_that_is_gone_is_mapped_and_only_to_one_that_is_there(
    strict: Settings, services: Services, system: Actor
) -> None:
    task: Task = services.tasks.create(title="Waiting", by=system)
    known = DEFAULT_POLICY.workflow.statuses

    for old, new in ((task.status, known[0]), ("doing", "solved")):
        refused = run_here(strict, "db", "map-status", old, new)
        assert (refused.status, refused.out) == (1, "")
        assert refused.err.startswith("invalid:\n")
