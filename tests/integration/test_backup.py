"""A backup holds everything as of one moment, and a restore puts it in place wholly or not at all."""

from __future__ import annotations

import io
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Binary, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from taskmgr.bootstrap import build_services
from taskmgr.domain.history.feed_position import FeedPosition
from taskmgr.domain.model.errors import CannotStart, Unavailable
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Role
from taskmgr.domain.services import Services
from taskmgr.domain.services.feed import ResyncRequired
from taskmgr.infrastructure.files.backup_file import BadBackup
from taskmgr.infrastructure.files.backup_format import write_backup
from taskmgr.infrastructure.mongo.backup.history import SETTING
from taskmgr.infrastructure.mongo.backup.restoring import require_replaceable, require_restorable
from taskmgr.infrastructure.mongo.backup.saving import save_database
from taskmgr.infrastructure.mongo.backup.swapping import (
    begin_restore,
    enter_phase,
    give_up,
    loaded_collections,
)
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import is_current, migrate
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from taskmgr.infrastructure.mongo.schema_version import SCHEMA_VERSION, TRUSTED_SECONDS
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.factories import SYSTEM
from tests.feeds import assert_feed_is_the_log, fill_feed, sequencing, wait_until_complete
from tests.integration.backups import (
    contents,
    findings,
    indexes,
    leftovers,
    open_backup,
    restore,
    save,
)
from tests.integration.killing import processes_to_kill
from tests.integration.test_cli_db import a_mongod
from tests.running import wait_until

BERLIN = ZoneInfo("Europe/Berlin")
# Every so many writes, the restore is killed; odd, so that both sides of writes are among them.
STEP = int(os.environ.get("RESTORE_KILL_STEP", "23"))
POLICY = replace(DEFAULT_POLICY, time_zone=BERLIN)


@pytest.fixture
def awkward(schema_version_2: Database[Any]) -> Database[Any]:
    """A database with unusual values in all fields (see `fixtures/README.md`), migrated."""
    migrate(schema_version_2, BERLIN)
    return schema_version_2


@pytest.fixture
def another(fresh: Database[Any]) -> Iterator[Database[Any]]:
    """A second database that nobody has used yet."""
    name = f"{fresh.name}_2"
    fresh.client.drop_database(name)
    yield fresh.client[name]
    fresh.client.drop_database(name)


@pytest.fixture
def small(database: Database[Any], make_task: Callable[..., Task]) -> Database[Any]:
    """A database with one task."""
    ensure_default_project(database)
    make_task(title="Before")
    return database


# --- saving and restoring


def test_everything_is_restored_byte_by_byte_with_its_indexes(
    awkward: Database[Any], another: Database[Any]
) -> None:
    awkward["mails"].insert_one(
        {
            "_id": ObjectId(), "text": "🦊 مهمة \u202e\u0301 null", "none": None,
            "binary": Binary(b"\0\xff" * 9),
            "dates": [DatetimeMS(-(2**62)), DatetimeMS(2**62), DatetimeMS(-62135596800000)],
            "numbers": [Int64(2**63 - 1), Int64(-(2**63)), Int64(1), 1, 1.0, float("inf")],
            "nested": {"": {"$set": [[], {}, [{}]]}, "a.b": 1},
        }
    )  # fmt: skip

    restore(another, save(awkward))

    assert contents(another) == contents(awkward)
    assert indexes(another) == indexes(awkward)
    assert is_current(another, BERLIN)
    assert leftovers(another) == []


def test_doctor_finds_nothing_in_a_restored_database(awkward: Database[Any], another: Database[Any]) -> None:
    restore(another, save(awkward), replace=False)
    assert findings(another, POLICY) == []


def test_a_restore_replaces_what_came_after_the_backup(
    small: Database[Any], services: Services, make_task: Callable[..., Task]
) -> None:
    before, backup = contents(small), save(small)
    make_task(title="After")
    services.users.create(by=SYSTEM, username="ada", name="Ada")

    restore(small, backup)

    assert contents(small) == before
    assert make_task().key == "TASK-2"


def test_collections_that_a_backup_of_an_earlier_release_lacks_are_empty_afterwards(
    schema_version_2: Database[Any], small: Database[Any]
) -> None:
    for name in ("inbox", "webhooks", "feed"):
        small[name].insert_one({"_id": 7})
        schema_version_2.drop_collection(name)

    restore(small, save(schema_version_2))

    assert [small[name].count_documents({}) for name in ("inbox", "webhooks", "feed")] == [0, 0, 0]
    migrate(small, DEFAULT_POLICY.time_zone)  # for the next tests


def test_a_database_that_was_only_set_up_counts_as_empty(
    awkward: Database[Any], another: Database[Any]
) -> None:
    migrate(another, BERLIN)
    require_replaceable(another, replace=False)
    restore(another, save(awkward), replace=False)
    with pytest.raises(CannotStart, match=r"is not empty. Give --replace to replace everything in it"):
        require_replaceable(another, replace=False)


def test_a_database_that_was_used_during_a_restore_is_not_replaced_without_being_told(
    awkward: Database[Any], another: Database[Any]
) -> None:
    migrate(another, BERLIN)

    def create_user() -> None:
        another["users"].replace_one({"_id": 1}, {"_id": 1}, upsert=True)

    with pytest.raises(CannotStart, match="is not empty"):
        restore(another, save(awkward), replace=False, seen=create_user)

    assert another["users"].count_documents({}) == 1
    assert leftovers(another) == []


def test_a_database_without_data_cannot_be_saved(fresh: Database[Any]) -> None:
    with pytest.raises(CannotStart, match="no schema version: run `taskmgr db migrate` first"):
        save(fresh)


# --- backups that cannot be used


def test_a_backup_by_a_later_release_is_refused(small: Database[Any]) -> None:
    backup = open_backup(save(small))
    header = replace(backup.header, schema_version=SCHEMA_VERSION + 1, release="9.9.9")
    with pytest.raises(CannotStart, match=r"later release .* restore it with the release 9\.9\.9"):
        require_restorable(header, backup.check(), DEFAULT_POLICY.time_zone)


def test_a_backup_for_another_time_zone_is_refused(small: Database[Any]) -> None:
    backup = open_backup(save(small))
    with pytest.raises(CannotStart, match="TASKMGR_TIMEZONE is Europe/Berlin: set it to UTC"):
        require_restorable(backup.header, backup.check(), BERLIN)


def test_a_backup_with_unknown_collections_is_refused(small: Database[Any]) -> None:
    backup = open_backup(save(small))
    manifest = {**backup.check(), "system_users": backup.manifest["tasks"]}
    with pytest.raises(BadBackup, match="collections that taskmgr does not know: system_users"):
        require_restorable(backup.header, manifest, DEFAULT_POLICY.time_zone)


def test_a_document_that_the_server_refuses_changes_nothing(small: Database[Any]) -> None:
    before, backup = contents(small), open_backup(save(small))
    [task] = [row for name, row in backup.rows() if name == "tasks"]
    target = io.BytesIO()
    write_backup(target, backup.header, [("tasks", [task, task])])

    with pytest.raises(CannotStart, match="MongoDB refused a document of the collection tasks"):
        restore(small, target.getvalue())

    assert contents(small) == before
    assert leftovers(small) == []


# --- while the service is running


def test_a_backup_that_was_taken_while_others_write_is_consistent(
    mongodb_uri: str, database: Database[Any], services: Services, another: Database[Any]
) -> None:
    services.users.create(by=SYSTEM, username="ada", name="Ada", role=Role.ADMIN)
    ensure_default_project(database)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            parent = services.tasks.create(by=SYSTEM, title="Parent")
            child = services.tasks.create(by=SYSTEM, title="Child", parent_id=parent.id)
            services.tasks.change(child.id, {"title": "Changed"}, by=SYSTEM)

    writers = [threading.Thread(target=write) for _ in range(3)]
    counts = []
    with sequencing(mongodb_uri, database.name):
        for writer in writers:
            writer.start()
        try:
            assert wait_until(lambda: database["tasks"].count_documents({}) > 0)
            for _ in range(4):
                restore(another, save(database))
                counts.append(another["tasks"].count_documents({}))
                assert findings(another) == []
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        wait_until_complete(database)
    fill_feed(mongodb_uri, another)
    assert_feed_is_the_log(another)
    assert 0 < counts[0] < counts[-1] < database["tasks"].count_documents({})


def test_positions_after_the_backup_are_gone_and_the_feed_goes_on(
    mongodb_uri: str, small: Database[Any], services: Services, make_task: Callable[..., Task]
) -> None:
    with sequencing(mongodb_uri, small.name):
        wait_until_complete(small)
        before, backup = services.feed.changes(by=SYSTEM).next, save(small)
        make_task(title="After")
        wait_until_complete(small)
        after = services.feed.changes(by=SYSTEM).next

        restore(small, backup)
        with pytest.raises(ResyncRequired):
            services.feed.changes(since=after, by=SYSTEM)
        make_task(title="Instead")
        wait_until_complete(small)
        with pytest.raises(ResyncRequired):
            services.feed.changes(since=after, by=SYSTEM)
        new = services.feed.changes(since=before, by=SYSTEM)

    assert [entry.change.after["title"] for entry in new.items] == ["Instead"]
    assert isinstance(after, FeedPosition)
    assert_feed_is_the_log(small)


def test_who_reads_while_the_data_is_replaced_is_told_to_try_again(
    small: Database[Any], make_task: Callable[..., Task]
) -> None:
    services = build_services(mongo_store(small, time_zone=DEFAULT_POLICY.time_zone))
    task = make_task(title="Read all the time")
    backup = save(small)
    ended, refusals, failures = threading.Event(), list[Unavailable](), list[Exception]()

    def keep_reading(read: Callable[[], object]) -> None:
        while not ended.is_set():
            try:
                read()
            except Unavailable as error:
                refusals.append(error)
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001 - shown by the test's own thread
                failures.append(error)

    reads: list[Callable[[], object]] = [
        lambda: services.tasks.get(task.id, by=SYSTEM),
        lambda: services.tasks.list(by=SYSTEM),
        lambda: services.tasks.transitions(task.id, by=SYSTEM),
        lambda: services.users.list_with_tasks(by=SYSTEM),
        lambda: services.feed.changes(by=SYSTEM),
    ]
    readers = [threading.Thread(target=keep_reading, args=[read]) for read in reads]
    for reader in readers:
        reader.start()
    try:
        for _ in range(3):
            restore(small, backup, settling=2 * TRUSTED_SECONDS)
    finally:
        ended.set()
        for reader in readers:
            reader.join()

    assert failures == []
    assert {str(refusal) for refusal in refusals} == {
        "A backup is taking the place of the data. Try again when it has been restored."
    }


def test_processes_refuse_to_write_while_the_data_is_replaced(small: Database[Any]) -> None:
    services = build_services(mongo_store(small, time_zone=DEFAULT_POLICY.time_zone))
    begin_restore(small, "abc", [], small["meta"].find_one({"_id": "stored_form"}) or {})
    services.tasks.create(by=SYSTEM, title="While it is loaded")
    for phase in ("settling", "replacing"):
        enter_phase(small, "abc", phase)
        with pytest.raises(Unavailable, match="A backup is taking the place of the data"):
            build_services(mongo_store(small, time_zone=DEFAULT_POLICY.time_zone)).tasks.create(
                by=SYSTEM, title="Too late"
            )
        assert not is_current(small, DEFAULT_POLICY.time_zone)

    migrate(small, DEFAULT_POLICY.time_zone)

    services.tasks.create(by=SYSTEM, title="Afterwards")
    assert leftovers(small) == []


def test_a_restore_during_a_backup_ends_the_backup(small: Database[Any]) -> None:
    backup = save(small)
    calls = count()

    def restore_once() -> None:
        if next(calls) == 0:
            restore(small, backup)

    with pytest.raises(CannotStart, match="A migration or a restore has changed the collections meanwhile"):
        save_database(small, io.BytesIO(), release="1.2.3", seen=restore_once)


# --- interruptions


def test_a_restore_that_fails_while_it_loads_changes_nothing(small: Database[Any]) -> None:
    backup, before = save(small), contents(small)

    def fail() -> None:
        raise AutoReconnect("the connection is lost")

    with pytest.raises(CannotStart, match="Nothing was changed: repeat it"):
        restore(small, backup, seen=fail)

    assert contents(small) == before
    assert leftovers(small) == []


def test_of_two_restores_the_one_that_began_last_wins(small: Database[Any], services: Services) -> None:
    backup = save(small)
    services.tasks.create(by=SYSTEM, title="After")
    later = save(small)
    began = []

    def begin_another() -> None:
        if not began:
            began.append(True)
            restore(small, later)

    with pytest.raises(CannotStart, match=r"MongoDB has not stored|Another restore"):
        restore(small, backup, seen=begin_another)

    assert small["tasks"].count_documents({}) == 2
    assert leftovers(small) == []


@pytest.mark.parametrize(("phase", "is_left"), [("loading", False), ("settling", False), ("replacing", True)])
def test_a_restore_is_given_up_only_before_it_replaces_the_data(
    small: Database[Any], phase: str, is_left: bool
) -> None:
    """What has been renamed is in use already, so the rest of it must follow."""
    begin_restore(small, "abc", ["tasks"], small["meta"].find_one({"_id": "stored_form"}) or {})
    small.create_collection("restoring_abc.tasks")
    enter_phase(small, "abc", phase)

    give_up(small, "abc")

    assert loaded_collections(small) == ["restoring_abc.tasks"] * is_left
    assert (small["meta"].find_one({"_id": "restore"}) is not None) == is_left
    migrate(small, DEFAULT_POLICY.time_zone)  # finishes it
    assert leftovers(small) == []


def test_a_restore_does_not_begin_while_another_one_replaces_the_data(small: Database[Any]) -> None:
    begin_restore(small, "abc", [], small["meta"].find_one({"_id": "stored_form"}) or {})
    enter_phase(small, "abc", "replacing")
    with pytest.raises(CannotStart, match="run `taskmgr db migrate`, which finishes it"):
        restore(small, save(small))
    migrate(small, DEFAULT_POLICY.time_zone)


# The child restores and kills itself at its nth write, before or after the server has seen it.
KILLED = """
import sys
from pathlib import Path
from pymongo import MongoClient
from tests.integration.backups import restore
from tests.integration.killing import Killer, work_in_forks

uri, name, file = sys.argv[1:]
WRITES = {"update", "insert", "create", "createIndexes", "renameCollection", "drop", "commitTransaction"}
backup = Path(file).read_bytes()

def work(point):
    killer = Killer(point, WRITES, counts_failures=True)
    with MongoClient(uri, tz_aware=True, event_listeners=[killer]) as client:
        restore(client[name], backup)

work_in_forks(work)
"""


@pytest.mark.slow
def test_a_restore_that_is_killed_leaves_the_old_data_in_use_or_is_finished_by_a_migration(
    mongodb_uri: str, small: Database[Any], services: Services, tmp_path: Path
) -> None:
    file, restored = tmp_path / "saved", contents(small)
    file.write_bytes(save(small))
    services.tasks.create(by=SYSTEM, title="After")
    old, old_backup = contents(small), save(small)
    outcomes = Counter[str]()
    with processes_to_kill(KILLED, mongodb_uri, small.name, file) as is_killed:
        for point in count(1, STEP):
            if not is_killed(point):
                break
            is_replacing = small["meta"].count_documents({"_id": "restore", "phase": "replacing"}) == 1
            is_done = contents(small) == restored
            assert is_replacing or is_done or contents(small) == old, point
            migrate(small, DEFAULT_POLICY.time_zone)
            assert contents(small) == (restored if is_replacing or is_done else old), point
            assert is_current(small, DEFAULT_POLICY.time_zone)
            assert leftovers(small) == []
            outcomes["finished" if is_replacing else "done" if is_done else "old"] += 1
            if is_replacing or is_done:
                restore(small, old_backup)
    assert contents(small) == restored
    assert outcomes["finished"]
    assert outcomes["old"]


# --- the time for which the server keeps a moment


@pytest.fixture
def forgetful() -> Iterator[Database[Any]]:
    """A database on a server that keeps the past for a second, with more tasks than fit in one reply."""
    with a_mongod("--replSet", "one", "--setParameter", "enableTestCommands=1") as port:
        uri = f"mongodb://127.0.0.1:{port}/tests"
        initiate_replica_set(uri)
        database = open_database(uri, "tests")
        with database.client:
            migrate(database, DEFAULT_POLICY.time_zone)
            database["tasks"].insert_many([{"text": "x"} for _ in range(300)])
            database.client.admin.command({"setParameter": 1, SETTING: 1})
            yield database


def taking_long(database: Database[Any]) -> Callable[[], None]:
    """Returns a function that takes ten seconds at its first call, and writes meanwhile."""
    calls = count()

    def seen() -> None:
        if next(calls) == 0:
            for _ in range(100):
                database["others"].insert_one({})
                time.sleep(0.1)

    return seen


def test_the_server_is_told_to_keep_the_moment_for_as_long_as_the_backup_takes(
    forgetful: Database[Any],
) -> None:
    target = io.BytesIO()
    save_database(forgetful, target, release="1.2.3", seen=taking_long(forgetful))
    assert open_backup(target.getvalue()).check()["tasks"].count == 300
    assert forgetful.client.admin.command({"getParameter": 1, SETTING: 1})[SETTING] == 1


def test_a_user_who_may_not_change_the_server_is_told_what_an_administrator_has_to_do(
    forgetful: Database[Any],
) -> None:
    forbidden = {"failCommands": ["setParameter"], "errorCode": 13}
    forgetful.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=forbidden)
    advice = rf"db\.adminCommand\(\{{setParameter: 1, {SETTING}: 3600\}}\)"
    with pytest.raises(CannotStart, match=advice):
        save_database(forgetful, io.BytesIO(), release="1.2.3", seen=taking_long(forgetful))
