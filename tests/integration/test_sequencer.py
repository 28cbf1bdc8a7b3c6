"""The sequencer numbers the entries of the log in the order of their commits, whatever happens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from taskmgr.infrastructure.mongo.indexes import update_indexes
from tests.factories import NOW, SYSTEM
from tests.feeds import (
    assert_feed_is_the_log,
    fill_feed,
    log_row,
    row_with_invalid_utf8,
    sequencing,
    wait_until_complete,
)
from tests.running import wait_until


def test_new_entries_are_appended_as_they_are_committed(
    mongodb_uri: str,
    database: Database[Any],
    make_task: Callable[..., Task],
    services: Services,
    store: Store,
) -> None:
    with sequencing(mongodb_uri, database.name):
        for _ in range(3):
            task = make_task()
            services.tasks.change(task.id, {"title": "Another title"}, by=SYSTEM)
            wait_until_complete(database)

    assert_feed_is_the_log(database)
    kinds = [entry.change.kind for entry in store.feed.read(0, limit=100).entries]
    assert kinds == ["task.created", "task.edited"] * 3


def test_entries_from_before_the_first_start_are_appended_in_the_order_of_their_times(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task], services: Services
) -> None:
    tasks = [make_task() for _ in range(5)]
    for task in reversed(tasks):
        services.tasks.change(task.id, {"title": "Another title"}, by=SYSTEM)
    # An earlier release could write a version that was older than the version before.
    database["activity"].update_one({"version": 2}, {"$set": {"at": NOW - timedelta(days=1)}})

    fill_feed(mongodb_uri, database)

    assert_feed_is_the_log(database)


def test_a_new_sequencer_goes_on_where_the_last_one_ended(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    for _ in range(4):
        make_task()
        fill_feed(mongodb_uri, database)
        make_task()

    fill_feed(mongodb_uri, database)

    assert_feed_is_the_log(database)


def test_after_a_token_that_is_of_no_use_any_more_the_log_is_compared_with_the_feed(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    make_task()
    fill_feed(mongodb_uri, database)
    for _ in range(3):
        make_task()
    _store_token(database, {"_data": "not a token"})

    fill_feed(mongodb_uri, database)

    assert_feed_is_the_log(database)


def test_entries_that_a_restored_backup_does_not_have_are_not_taken_from_the_oplog(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    make_task()
    fill_feed(mongodb_uri, database)
    discarded = make_task()
    database["activity"].delete_one({"entity_id": ObjectId(discarded.id)})
    kept = make_task()

    fill_feed(mongodb_uri, database)

    assert_feed_is_the_log(database)
    assert database["activity"].find_one({"entity_id": ObjectId(kept.id)})


def test_the_feed_goes_on_after_the_log_was_replaced_by_a_backup(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    with sequencing(mongodb_uri, database.name):
        make_task()
        wait_until_complete(database)
        rows = list(database["activity"].find())
        database["activity"].drop()
        database["activity"].insert_many(rows)
        make_task()
        wait_until_complete(database)

    assert_feed_is_the_log(database)
    update_indexes(database)  # for the next tests, because dropping a collection drops them


def test_the_feed_has_no_gap_after_it_was_replaced_by_that_of_a_backup(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    with sequencing(mongodb_uri, database.name):
        make_task()
        wait_until_complete(database)
        backup = {name: list(database[name].find()) for name in ("feed", "activity")}
        make_task()
        wait_until_complete(database)
        for name, rows in backup.items():
            database["loaded"].insert_many(rows)
            database["loaded"].rename(name, dropTarget=True)
        make_task()
        wait_until_complete(database)

    assert_feed_is_the_log(database)
    update_indexes(database)  # for the next tests, because dropping a collection drops them


def test_a_process_that_must_not_write_appends_nothing(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    def refuse() -> None:
        raise Unavailable("not now")

    make_task()
    streams = open_database(mongodb_uri, database.name, for_streams=True)
    with streams.client, pytest.raises(Unavailable, match="not now"):
        Sequencer(database, streams, admit=refuse).run(threading.Event())

    assert database["feed"].count_documents({}) == 0


def _store_token(database: Database[Any], token: Mapping[str, Any]) -> None:
    database["feed"].update_many({}, {"$set": {"token": token}})
    database["checkpoints"].update_many({}, {"$set": {"token": token}})


def test_entries_that_cannot_be_read_are_left_out_and_hold_up_no_others(
    database: Database[Any], mongodb_uri: str, make_task: Callable[..., Task]
) -> None:
    earlier, later = log_row(), log_row()
    database.activity.insert_one(row_with_invalid_utf8(earlier))
    with sequencing(mongodb_uri, database.name):
        make_task(title="Before")
        assert wait_until(lambda: database.feed.count_documents({}) == 1)
        database.activity.insert_many([row_with_invalid_utf8(later), {"_id": "not an entry"}])
        make_task(title="After")
        assert wait_until(lambda: database.feed.count_documents({}) == 2)

    database.activity.delete_many({"_id": {"$in": [earlier["_id"], later["_id"], "not an entry"]}})
    assert_feed_is_the_log(database)


def test_two_sequencers_at_once_append_every_entry_once(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task]
) -> None:
    for _ in range(20):
        make_task()

    def write() -> None:
        for _ in range(40):
            make_task()

    writers = [threading.Thread(target=write) for _ in range(4)]
    with sequencing(mongodb_uri, database.name), sequencing(mongodb_uri, database.name):
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        wait_until_complete(database)

    assert_feed_is_the_log(database)
    assert database["feed"].count_documents({}) == database["activity"].count_documents({}) == 180


def test_only_what_happened_before_the_start_is_looked_up_in_the_log(
    mongodb_uri: str, database: Database[Any], make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_task()
    fill_feed(mongodb_uri, database)
    before, looked_up = make_task(), list[ObjectId]()
    existing = Sequencer._existing

    def recording(self: Sequencer, entries: Any) -> Any:
        looked_up.extend(entry.id for entry in entries)
        return existing(self, entries)

    monkeypatch.setattr(Sequencer, "_existing", recording)
    with sequencing(mongodb_uri, database.name):
        wait_until_complete(database)
        for _ in range(5):
            make_task()
            wait_until_complete(database)

    entry = database["activity"].find_one({"entity_id": ObjectId(before.id)})
    assert entry is not None
    assert looked_up == [entry["_id"]]
