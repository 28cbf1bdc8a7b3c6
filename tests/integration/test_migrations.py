"""Bringing a database up to date: as often as one likes, from anywhere, with nothing lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Binary, ObjectId, json_util
from pymongo import monitoring
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.errors import CannotStart, Unavailable
from taskmgr.infrastructure.mongo import mappers, schema_version
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.documents import DOCUMENTS
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED
from taskmgr.infrastructure.mongo.indexes import declared_indexes
from taskmgr.infrastructure.mongo.migrations import is_current, migrate, reasons_to_migrate
from taskmgr.infrastructure.mongo.schema_version import (
    SCHEMA_VERSION,
    TRUSTED_SECONDS,
    read_schema_state,
    require_known_schema,
)
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.unlogged_tokens import log_tokens
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.factories import NOW, SYSTEM, a_full_task, a_task
from tests.integration.killing import processes_to_kill
from tests.running import Clients, run, run_here, serving, short_folder, wait_until

BERLIN = ZoneInfo("Europe/Berlin")
TOKYO = ZoneInfo("Asia/Tokyo")
DECLARED = {
    f"{document._meta['collection']}.{name}" for document in DOCUMENTS for name in declared_indexes(document)
}


@pytest.fixture
def database(database: Database[Any]) -> Database[Any]:
    """The empty database, with the log entry of its default project."""
    ensure_default_project(database)
    return database


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
    assert (done.dropped, done.tasks, done.users, done.comments) == ((), 0, 0, 0)


def test_the_second_time_there_is_nothing_to_do(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    done = migrate(fresh, UTC)
    assert (done.made, done.dropped, done.tasks, done.users, done.comments) == ((), (), 0, 0, 0)


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
    assert read_schema_state(fresh) is None
    assert not is_current(fresh, UTC)
    require_known_schema(fresh)


def test_a_migrated_database_is_in_this_releases_form(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    form = read_schema_state(fresh)
    assert form is not None
    assert (form.version, form.time_zone, form.finished) == (SCHEMA_VERSION, "UTC", True)
    assert is_current(fresh, UTC)


def test_a_database_of_a_later_release_is_refused_and_left_as_it_is(fresh: Database[Any]) -> None:
    fresh.meta.insert_one({"_id": "stored_form", "version": SCHEMA_VERSION + 1, "time_zone": "UTC"})
    for refuse in (lambda: migrate(fresh, UTC), lambda: require_known_schema(fresh)):
        with pytest.raises(CannotStart, match=r"later release"):
            refuse()
    assert not is_current(fresh, UTC)
    form = read_schema_state(fresh)
    assert form is not None
    assert form.version == SCHEMA_VERSION + 1
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
    assert migrate(fresh, BERLIN).tasks == 2
    assert is_current(fresh, BERLIN)

    assert store.tasks.get(plain.id) == replace(plain, due_date=DueDate.on(date(2026, 12, 1), BERLIN))
    moved = store.tasks.get(binned.id, binned=True)
    assert moved == replace(binned, due_date=DueDate.on(date(2026, 7, 1), BERLIN))
    assert store.tasks.get(instant.id) == instant
    assert store.tasks.get(undated.id) == undated
    assert fresh.tasks.find_one({"_id": ObjectId(undated.id)})["due_at"] == UNDATED  # type: ignore[index]


def test_the_same_time_zone_moves_only_what_is_kept_for_another(fresh: Database[Any]) -> None:
    migrate(fresh, BERLIN)
    store = mongo_store(fresh)
    right, wrong = (a_task(due_date=DueDate.on(date(2026, 12, 1), zone)) for zone in (BERLIN, UTC))
    for task in (right, wrong):
        store.tasks.add(task)
    assert migrate(fresh, BERLIN).tasks == 1
    assert store.tasks.get(wrong.id).due_date == right.due_date


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(9999, 12, 30)])
def test_the_ends_of_the_calendar_move_too(fresh: Database[Any], day: date) -> None:
    migrate(fresh, UTC)
    store = mongo_store(fresh)
    task = a_task(due_date=DueDate.on(day, UTC))
    store.tasks.add(task)
    for zone in (TOKYO, BERLIN, UTC):
        assert migrate(fresh, zone).tasks == 1
        assert store.tasks.get(task.id).due_date == DueDate.on(day, zone)


def test_many_due_dates_move_from_two_machines_at_once(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    fresh.tasks.insert_many(many_tasks(2_500, date(2026, 12, 1), UTC))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: migrate(fresh, TOKYO), range(2)))
    assert fresh.tasks.distinct("due_at") == [datetime(2026, 12, 1, 15, tzinfo=UTC)]
    mongo_store(fresh).health.check()


def many_tasks(number: int, day: date, zone: tzinfo) -> list[dict[str, Any]]:
    """The rows of so many tasks that are due on a day."""
    due = DueDate.on(day, zone)
    return [validated_row(mappers.task_document(a_task(title=f"{n}", due_date=due))) for n in range(number)]


# --- a migration that was interrupted


def test_the_way_back_mends_what_an_interrupted_migration_has_moved(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    fresh.tasks.insert_many(many_tasks(20, date(2026, 12, 1), UTC))
    fresh.meta.update_one({"_id": "stored_form"}, {"$set": {"time_zone": str(BERLIN), "finished": False}})
    half = [row["_id"] for row in fresh.tasks.find().limit(10)]
    fresh.tasks.update_many(
        {"_id": {"$in": half}}, {"$set": {"due_at": datetime(2026, 12, 1, 23, tzinfo=UTC)}}
    )

    assert list(reasons_to_migrate(fresh, BERLIN)) == ["The last migration has not finished"]
    assert not is_current(fresh, UTC)
    assert migrate(fresh, UTC).tasks == 10
    assert fresh.tasks.distinct("due_at") == [datetime(2026, 12, 2, tzinfo=UTC)]
    assert is_current(fresh, UTC)


def test_a_migration_gives_way_to_one_that_has_begun_meanwhile(
    mongodb_uri: str, fresh: Database[Any]
) -> None:
    migrate(fresh, UTC)
    fresh.tasks.insert_many(many_tasks(600, date(2026, 12, 1), UTC))

    class AnotherBegins(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            if event.command_name == "update" and event.command["update"] == "tasks":
                mark = {"time_zone": str(TOKYO), "finished": False}
                fresh.meta.update_one({"_id": "stored_form"}, {"$set": mark})

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
        def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    watched = fresh.client.__class__(mongodb_uri, tz_aware=True, event_listeners=[AnotherBegins()])
    with watched, pytest.raises(CannotStart, match="Another migration has begun"):
        migrate(watched[fresh.name], BERLIN)
    assert list(reasons_to_migrate(fresh, TOKYO)) == ["The last migration has not finished"]


# A database of form 1, made by the release that stored it, as lines of extended JSON.
FORM_1: dict[str, list[Any]] = {}
for line in Path(__file__).with_name("form_1.jsonl").read_text().splitlines():
    FORM_1.setdefault(json_util.loads(line)["in"], []).append(json_util.loads(line)["row"])


def put_form_1(database: Database[Any]) -> None:
    """Replaces all documents with those of a database of form 1; leaves the indexes as they are."""
    for name in {*database.list_collection_names(), *FORM_1}:
        database[name].delete_many({})
        if name in FORM_1:
            database[name].insert_many(FORM_1[name])


def contents(database: Database[Any]) -> Mapping[str, list[Mapping[str, Any]]]:
    """All that is stored, but for what says when something was done."""
    rows = {name: list(database[name].find().sort("_id", 1)) for name in database.list_collection_names()}
    latest = max(row["_id"] for row in FORM_1["activity"])
    for row in rows["activity"]:
        if row["_id"] > latest:
            row |= {"_id": None, "at": None, "change_set": None}
    # Two processes' ids of one second are in no order.
    rows["activity"].sort(key=lambda row: (row["entity"], row["entity_id"], row["version"]))
    for row in rows["users"]:
        row["updated_at"] = None
    _forget_numbers(rows)
    return rows


def _forget_numbers(rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Keeps only the order of the tasks' numbers, of which a killed migration may have lost some."""
    for project in rows["projects"]:
        project |= dict.fromkeys(("_id", "created_at", "updated_at", "last_number"))
    for entry in rows["activity"]:
        if entry["entity"] == "project":
            entry["entity_id"] = None
            entry["after"]["created_at"] = None
    for place, task in enumerate(sorted(rows["tasks"], key=lambda task: task["number"])):
        task |= {"number": place, "key": None, "keys": [], "rank": None}


# The child migrates and kills itself at its nth write, before or after the server has seen it.
KILLED = """
import sys
from zoneinfo import ZoneInfo
from pymongo import MongoClient
from taskmgr.infrastructure.mongo.migrations import migrate
from tests.integration.killing import Killer, work_in_forks

uri, name, zone = sys.argv[1:]
WRITES = {"update", "insert", "findAndModify", "createIndexes", "commitTransaction"}

def work(point):
    killer = Killer(point, WRITES)
    with MongoClient(uri, tz_aware=True, appname=name, event_listeners=[killer]) as client:
        migrate(client[name], ZoneInfo(zone), batch=3)

work_in_forks(work)
"""


def migrations_to_kill(
    uri: str, database: Database[Any], zone: tzinfo
) -> AbstractContextManager[Callable[[int], bool]]:
    """Returns a block in which a function migrates in a process of its own; True if that was killed."""
    return processes_to_kill(KILLED, uri, database.name, zone)


def go_on(database: Database[Any]) -> None:
    """Migrates again; meanwhile, the server aborts the transaction that the killed process has left open."""
    expiry = threading.Timer(0.2, abort_transactions, [database])
    expiry.start()
    migrate(database, TOKYO)
    expiry.cancel()
    expiry.join()


def abort_transactions(database: Database[Any]) -> None:
    """Aborts the transactions of killed processes, as the server does by itself after 25 seconds."""
    admin = database.client.get_database("admin", read_concern=ReadConcern("local"))
    left = {"appName": database.name, "desc": "inactive transaction"}
    for session in list(admin.aggregate([{"$currentOp": {"idleSessions": True}}, {"$match": left}])):
        admin.command("killSessions", [{"id": Binary.from_uuid(session["lsid"]["id"])}])


@pytest.fixture
def migrated_form_1(fresh: Database[Any]) -> Mapping[str, list[Mapping[str, Any]]]:
    """What a migration that is not interrupted makes of form 1."""
    put_form_1(fresh)
    migrate(fresh, TOKYO)
    return contents(fresh)


@pytest.mark.slow
def test_a_migration_that_was_killed_before_it_had_all_indexes_goes_on_as_if_it_had_not_been(
    mongodb_uri: str, fresh: Database[Any], migrated_form_1: Mapping[str, list[Mapping[str, Any]]]
) -> None:
    points = 0
    with migrations_to_kill(mongodb_uri, fresh, TOKYO) as is_killed:
        had_all = False
        while not had_all:
            points += 1
            fresh.client.drop_database(fresh.name)
            put_form_1(fresh)
            assert is_killed(points)
            had_all = indexes(fresh) == DECLARED
            assert not is_current(fresh, TOKYO)
            go_on(fresh)
            assert contents(fresh) == migrated_form_1, points
            assert indexes(fresh) == DECLARED
    assert points > 10


@pytest.mark.slow
def test_a_migration_that_was_killed_at_any_other_write_goes_on_as_if_it_had_not_been(
    mongodb_uri: str, fresh: Database[Any], migrated_form_1: Mapping[str, list[Mapping[str, Any]]]
) -> None:
    """The indexes are there from the beginning, as they are for a migration that has just made them."""
    points = 0
    with migrations_to_kill(mongodb_uri, fresh, TOKYO) as is_killed:
        put_form_1(fresh)
        while is_killed(points + 1):
            points += 1
            go_on(fresh)
            assert contents(fresh) == migrated_form_1, points
            put_form_1(fresh)
    assert points > 20


def test_doctor_is_content_with_a_database_of_form_1_after_its_migration(
    mongodb_uri: str, fresh: Database[Any]
) -> None:
    settings = {"MONGODB_URI": mongodb_uri, "DATABASE": fresh.name, "TIMEZONE": "Europe/Berlin"}
    put_form_1(fresh)

    before = run_here(settings, "doctor")
    refused = run_here(settings, "users", "list")
    migrated = run_here(settings, "db", "migrate")
    after = run_here(settings, "doctor")

    assert before.out.startswith("database: The schema version is 1, not 3: run `taskmgr db migrate`.\n")
    assert refused.err == "The database is not up to date. Run `taskmgr db migrate` once.\n"
    assert (migrated.status, after.out) == (0, "Everything is in order.\n"), (migrated, after)
    assert run_here(settings, "db", "migrate").out == "The database is already up to date.\n"


def test_tokens_of_form_1_get_an_entry_that_states_what_is_stored(fresh: Database[Any]) -> None:
    put_form_1(fresh)
    assert migrate(fresh, BERLIN).tokens == 2
    entries = list(fresh.activity.find({"entity": "token"}).sort("entity_id", 1))
    tokens = list(fresh.tokens.find().sort("_id", 1))
    for entry, token in zip(entries, tokens, strict=True):
        assert (entry["entity_id"], entry["kind"], entry["version"]) == (token["_id"], "token.created", 1)
        assert (entry["by"], entry["at"], entry["before"]) == ("system:migration", token["created_at"], {})
        assert entry["after"] == {
            "user_id": str(token["user_id"]),
            **{name: token[name] for name in ("name", "scopes", "created_at", "expires_at")},
        }
    assert migrate(fresh, BERLIN).tokens == 0
    assert list(fresh.activity.find({"entity": "token"}).sort("entity_id", 1)) == entries


def test_two_migrations_at_once_log_every_token_once(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    services = build_services(mongo_store(fresh))
    ada = services.users.create(username="ada", name="Ada", role="admin", by=SYSTEM)
    for number in range(40):
        services.tokens.create(name=f"{number}", user_id=ada.id, by=SYSTEM)
    fresh.activity.delete_many({"entity": "token"})
    with ThreadPoolExecutor(2) as pool:
        counts = [run.result() for run in [pool.submit(log_tokens, fresh) for _ in range(2)]]
    assert sum(counts) == fresh.activity.count_documents({"entity": "token"}) == 40


def test_a_token_without_an_entry_is_reported_and_logged_by_a_migration(
    mongodb_uri: str, database: Database[Any]
) -> None:
    settings = {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}
    services = build_services(mongo_store(database))
    ada = services.users.create(username="ada", name="Ada", role="admin", by=SYSTEM)
    services.tokens.create(name="x", user_id=ada.id, by=SYSTEM)
    database.activity.delete_many({"entity": "token"})

    reported = run_here(settings, "doctor", "--json")
    migrated = run_here(settings, "db", "migrate")

    assert '"code": "outdated"' in reported.out
    assert "The log has no entry of it: run `taskmgr db migrate`" in reported.out
    assert migrated.out == "Added the missing log entry of 1 token.\n"
    assert run_here(settings, "doctor").out == "Everything is in order.\n"


# --- derived fields that are wrong


WRONG: Mapping[str, Mapping[str, Any]] = {
    "tasks": {
        "due_at": datetime(2020, 1, 1, tzinfo=UTC), "title_key": "b", "title_words": ["b"], "words": [],
        "label_words": "x",
        "priority_rank": 3, "binned": 0,
    },
    "users": {"email_key": "B@example.org", "words": None},
    "comments": {"words": ["ueber"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("collection", "field"), [(name, field) for name, fields in WRONG.items() for field in fields]
)
@pytest.mark.parametrize("missing", [False, True], ids=["wrong", "missing"])
def test_whatever_doctor_finds_outdated_is_mended_by_a_migration(
    mongodb_uri: str, database: Database[Any], collection: str, field: str, missing: bool
) -> None:
    settings = {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}
    services = build_services(mongo_store(database))
    services.users.create(username="ada", name="Ada", email="Ada@example.org", role="admin", by=SYSTEM)
    task = services.tasks.create(title="Über", due_date="2026-12-01", labels=["x"], by=SYSTEM)
    services.comments.create(task.id, text="Überall", by=SYSTEM)
    right = list(database[collection].find())
    change = {"$unset": {field: 1}} if missing else {"$set": {field: WRONG[collection][field]}}
    database[collection].update_one({}, change)

    found = run_here(settings, "doctor")
    migrated = run_here(settings, "db", "migrate")

    assert found.out.endswith(f" {field}: run `taskmgr db migrate`.\n"), found
    assert found.out.count("\n") == 1
    assert migrated.out == f"Updated the derived fields of 1 {collection.removesuffix('s')}.\n"
    assert run_here(settings, "doctor").out == "Everything is in order.\n"
    assert list(database[collection].find()) == right


def test_a_document_that_cannot_be_read_does_not_stand_in_the_way(
    mongodb_uri: str, database: Database[Any]
) -> None:
    settings = {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}
    database.tasks.insert_many([{"title": "By hand"}, {"_id": "by hand"}])

    done = run_here(settings, "db", "migrate")

    assert (done.status, done.out) == (
        0,
        "Skipped 1 unreadable document: run `taskmgr doctor` for details.\n",
    )


def test_what_a_command_writes_while_a_migration_runs_stands(fresh: Database[Any]) -> None:
    migrate(fresh, UTC)
    services = build_services(mongo_store(fresh))
    tasks = [services.tasks.create(title="a", due_date="2026-12-01", by=SYSTEM) for _ in range(30)]
    fresh.tasks.update_many({}, {"$set": {"title_key": "old"}})
    with ThreadPoolExecutor(2) as pool:
        mending = pool.submit(migrate, fresh, UTC)
        for task in tasks:
            services.tasks.change(task.id, {"title": "Éb"}, by=SYSTEM)
        mending.result()
    assert fresh.tasks.distinct("title_key") == ["eb"]
    assert fresh.tasks.distinct("title") == ["Éb"]


def test_an_address_that_two_users_have_stays_with_one_and_the_log_keeps_the_other(
    mongodb_uri: str, database: Database[Any]
) -> None:
    services = build_services(mongo_store(database))
    names = ("ada", "bob", "cyd")
    for name in names:
        services.users.create(username=name, name=name, email=f"{name}@example.org", role="admin", by=SYSTEM)
    for table, field in (("users", "email"), ("activity", "after.email")):  # once these were different
        wanted = {field: {"$in": ["bob@example.org", "cyd@example.org"]}}
        database[table].update_many(wanted, {"$set": {field: "b@x.org"}})

    settings = {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}
    done = run_here(settings, "db", "migrate")

    assert done.out == (
        "Updated the derived fields of 2 users.\n"
        "Removed the e-mail address of cyd, which another user also has; it is in the log.\n"
    )
    emails = {user.username: user.email for user in services.users.list(by=SYSTEM).items}
    assert emails == {"ada": "ada@example.org", "bob": "b@x.org", "cyd": None}
    entry = database.activity.find_one({"by": "system:migration"})
    assert entry is not None
    assert (entry["before"], entry["after"]) == ({"email": "b@x.org"}, {"email": None})
    assert run_here(settings, "doctor").out == "Everything is in order.\n"


# --- processes that are running


def test_a_process_of_another_time_zone_stops_writing_and_starts_again(
    mongodb_uri: str, fresh: Database[Any], caplog: pytest.LogCaptureFixture
) -> None:
    migrate(fresh, UTC)
    with open_database(mongodb_uri, fresh.name).client as client:
        services = build_services(mongo_store(client[fresh.name], time_zone=UTC))
        services.tasks.create(title="Before", by=SYSTEM)
        migrate(fresh, BERLIN)
        assert wait_until(lambda: not is_admitted(services))
        with pytest.raises(Unavailable, match=r"to schema version 3, time zone Europe/Berlin; this process"):
            services.health.check()
        assert len([r for r in caplog.records if "Writing is refused" in r.message]) == 1
        migrate(fresh, UTC)
        assert is_admitted(services)
        services.health.check()


def test_a_process_goes_on_writing_although_the_database_answers_slowly(
    mongodb_uri: str, fresh: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(fresh, UTC)

    def read_slowly(database: Database[Any]) -> schema_version.SchemaState | None:
        state = read_schema_state(database)
        time.sleep(1.1 * TRUSTED_SECONDS)
        return state

    monkeypatch.setattr(schema_version, "read_schema_state", read_slowly)
    with open_database(mongodb_uri, fresh.name).client as client:
        services = build_services(mongo_store(client[fresh.name], time_zone=UTC))

        services.health.check()


def is_admitted(services: Any) -> bool:
    try:
        services.tasks.create(title="Dated", due_date="2026-12-01", by=SYSTEM)
    except Unavailable:
        return False
    return True


@pytest.mark.slow
def test_a_service_of_another_time_zone_stops_writing_and_no_due_date_of_its_is_left() -> None:
    with short_folder() as place, serving(place, TIMEZONE="UTC") as service:

        def create(number: int) -> int:
            body = {"title": f"{number}", "due_date": "2026-12-01"}
            return service.call("POST", "/api/v1/tasks", body)[0]

        berlin = {**service.settings, "TIMEZONE": "Europe/Berlin"}
        with Clients(create) as clients:
            assert wait_until(lambda: clients.answers[201] > 20)
            migrated = run(berlin, "db", "migrate")
            before = clients.answers[201]
            doctor = run(berlin, "doctor")
            ready, _ = service.call("GET", "/readyz")
        refused, why = service.call("POST", "/api/v1/tasks", {"title": "More"})
        read, _ = service.call("GET", "/api/v1/tasks")

        assert migrated.status == 0, migrated
        assert doctor.out == "Everything is in order.\n", doctor
        assert clients.answers[201] == before
        assert set(clients.answers) == {201, 503}
        assert (ready, refused, read) == (503, 503, 200)
        assert "Europe/Berlin; this process works with schema version 3, time zone UTC" in why["detail"]
        assert "Writing is refused: The database has been migrated" in service.err
        assert run(service.settings, "db", "migrate").status == 0
        assert service.call("POST", "/api/v1/tasks", {"title": "Again"})[0] == 201
