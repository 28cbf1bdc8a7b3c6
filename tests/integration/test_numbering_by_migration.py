"""Tests that a migration puts the tasks of earlier releases into the default project and numbers them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, timedelta
from itertools import count
from typing import Any

import bson
import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.rank import rank_of
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.factories import NOW, a_task
from tests.integration.earlier_databases import Row, stored_rows
from tests.integration.test_migrations import TOKYO, go_on, migrations_to_kill
from tests.integration.test_schema_version_2 import POLICY
from tests.running import run_here

NEW_FIELDS = {"project", "number", "key", "keys", "rank"}
OLDEST_FIRST = [("created_at", 1), ("_id", 1)]


def test_tasks_are_numbered_in_the_order_of_their_creation(schema_version_2: Database[Any]) -> None:
    done = migrate(schema_version_2, POLICY.time_zone)

    rows = list(schema_version_2.tasks.find().sort(OLDEST_FIRST))
    assert [numbered(row) for row in rows] == [expected(number) for number in range(1, len(rows) + 1)]
    assert (done.numbered, done.project) == (len(rows), "TASK")
    project = schema_version_2.projects.find_one()
    assert project is not None
    assert (project["key"], project["name"], project["is_default"]) == ("TASK", "Tasks", True)
    assert project["last_number"] == len(rows)


def numbered(row: Row) -> Mapping[str, Any]:
    return {name: row[name] for name in NEW_FIELDS}


def expected(number: int) -> Mapping[str, Any]:
    """Returns the new fields of the task that gets this number."""
    key = f"TASK-{number}"
    return {"project": "TASK", "number": number, "key": key, "keys": [key], "rank": rank_of(number)}


def test_every_other_field_of_a_task_stays_byte_for_byte_the_same(schema_version_2: Database[Any]) -> None:
    before = {row["_id"]: bson.encode(row) for row in schema_version_2.tasks.find()}

    migrate(schema_version_2, POLICY.time_zone)

    after = {row["_id"]: bson.encode(without_new_fields(row)) for row in schema_version_2.tasks.find()}
    assert after == before


def without_new_fields(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in NEW_FIELDS}


def test_the_log_gets_one_entry_and_the_project_of_each_task(schema_version_2: Database[Any]) -> None:
    migrate(schema_version_2, POLICY.time_zone)

    entries = {row["_id"]: row for row in schema_version_2.activity.find()}
    stored = {row["_id"]: row for row in stored_rows(2)["activity"]}
    for key, row in stored.items():
        projects = ["TASK"] if row["entity"] in ("task", "comment") else []
        assert entries[key] == {**row, "projects": projects}
    (created,) = [entry for key, entry in entries.items() if key not in stored]
    project = schema_version_2.projects.find_one()
    assert project is not None
    assert (created["entity"], created["entity_id"]) == ("project", project["_id"])
    assert (created["kind"], created["by"], created["version"]) == ("project.created", "system:migration", 1)


def test_the_second_migration_changes_nothing(schema_version_2: Database[Any]) -> None:
    migrate(schema_version_2, POLICY.time_zone)
    before = contents(schema_version_2)

    done = migrate(schema_version_2, POLICY.time_zone)

    assert contents(schema_version_2) == before
    assert (done.numbered, done.tasks, done.users, done.comments) == (0, 0, 0, 0)


def contents(database: Database[Any]) -> Mapping[str, Sequence[Row]]:
    return {name: list(database[name].find().sort("_id", 1)) for name in database.list_collection_names()}


def test_the_command_says_how_many_tasks_it_has_numbered(mongodb_uri: str, fresh: Database[Any]) -> None:
    settings = {"MONGODB_URI": mongodb_uri, "DATABASE": fresh.name}
    put_unnumbered(fresh, 1_234)

    first = run_here(settings, "db", "migrate")
    fresh.tasks.insert_one(next(unnumbered_rows()))
    second = run_here(settings, "db", "migrate")

    assert "Numbered 1,234 tasks in the project TASK." in first.out.splitlines()
    assert second.out == "Numbered 1 task in the project TASK.\n"
    assert run_here(settings, "db", "migrate").out == "The database is already up to date.\n"


def unnumbered_rows() -> Iterator[Row]:
    """Yields tasks of a release without projects; the ids are in the opposite order of the times."""
    for number in count():
        times = dict.fromkeys(
            ("created_at", "updated_at", "status_changed_at"), NOW - timedelta(hours=number)
        )
        row = validated_row(mappers.task_document(a_task(title=f"{number}", **times)))
        yield without_new_fields(row)


def put_unnumbered(database: Database[Any], number: int) -> None:
    """Fills the database with tasks of a release without projects."""
    for name in ("tasks", "projects", "activity", "meta"):
        database[name].delete_many({})
    database.meta.insert_one({"_id": "stored_form", "version": 2, "time_zone": "UTC", "finished": True})
    rows = unnumbered_rows()
    database.tasks.insert_many([next(rows) for _ in range(number)])


@pytest.mark.slow
def test_a_migration_that_is_killed_at_any_write_goes_on_with_the_numbers(
    mongodb_uri: str, fresh: Database[Any]
) -> None:
    """Numbers that were taken but not stored are lost, so there may be gaps."""
    migrate(fresh, TOKYO)
    points = 0
    with migrations_to_kill(mongodb_uri, fresh, TOKYO) as is_killed:
        put_unnumbered(fresh, 7)
        before = list(fresh.tasks.find().sort(OLDEST_FIRST))
        while is_killed(points + 1):
            points += 1
            go_on(fresh)
            after = list(fresh.tasks.find().sort(OLDEST_FIRST))
            assert [without_new_fields(row) for row in after] == before, points
            assert_numbered_in_order(after)
            assert fresh.activity.count_documents({}) == fresh.projects.count_documents({}) == 1
            put_unnumbered(fresh, 7)
            before = list(fresh.tasks.find().sort(OLDEST_FIRST))
    assert points > 15


def assert_numbered_in_order(rows: Sequence[Row]) -> None:
    numbers = [row["number"] for row in rows]
    assert numbers == sorted(set(numbers))
    assert [numbered(row) for row in rows] == [expected(number) for number in numbers]


def test_tasks_that_a_process_of_the_earlier_release_still_writes_are_numbered(fresh: Database[Any]) -> None:
    put_unnumbered(fresh, 20)
    with ThreadPoolExecutor(1) as pool, writing_the_old_form(fresh):
        migration = pool.submit(migrate, fresh, UTC, settling=1.0)
        migration.result()

    assert fresh.tasks.count_documents({}) > 20
    assert_all_have_keys_of_their_own(fresh)


@contextmanager
def writing_the_old_form(database: Database[Any]) -> Iterator[None]:
    """Inserts tasks without keys for half a second, as a process does that has not noticed the migration."""
    end = time.monotonic() + 0.5

    def write() -> None:
        rows = unnumbered_rows()
        while time.monotonic() < end:
            database.tasks.insert_one({**next(rows), "_id": ObjectId()})
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    yield
    writer.join()


def assert_all_have_keys_of_their_own(database: Database[Any]) -> None:
    rows = list(database.tasks.find())
    assert len({row["key"] for row in rows}) == len(rows)
    assert [numbered(row) for row in rows] == [expected(row["number"]) for row in rows]
    findings: list[str] = []
    inspect_database(database, DEFAULT_POLICY, lambda *finding: findings.append(finding[1]))
    assert set(findings) == {"log_gap"}  # the tasks of these tests have no log


def test_two_migrations_at_once_number_every_task_once(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    put_unnumbered(fresh, 90)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: migrate(fresh, UTC, batch=10), range(2)))

    assert sum(result.numbered for result in done) == 90
    assert_all_have_keys_of_their_own(fresh)


def test_tasks_are_numbered_in_the_present_default_project(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    fresh.projects.update_one({}, {"$set": {"key": "OPS", "last_number": 41}})
    fresh.tasks.insert_one(next(unnumbered_rows()))

    assert migrate(fresh, UTC).project == "OPS"
    assert fresh.tasks.distinct("key") == ["OPS-42"]


@pytest.mark.parametrize("row", [{"title": "By hand"}, {"_id": "by hand", "created_at": NOW}])
def test_what_is_not_a_task_gets_no_number(fresh: Database[Any], row: Row) -> None:
    fresh.tasks.insert_one(dict(row))

    assert migrate(fresh, UTC).numbered == 0
    assert fresh.tasks.distinct("number") == []
