"""Runs sequencers in tests, and compares the feed with the log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from taskmgr.domain.history.chain import GENESIS, canonical_json, next_hash, plain_entry
from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from tests.factories import NOW

_MAX_SECONDS = 60.0


@contextmanager
def sequencing(uri: str, name: str) -> Iterator[Sequencer]:
    """Runs a sequencer on a database until the end of the block. Fails if the sequencer does.

    Like the service, it runs the sequencer again if the database cannot answer, as while it is replaced.
    """
    database, streams = open_database(uri, name), open_database(uri, name, for_streams=True)
    stop, failures = Event(), list[Exception]()
    sequencer = Sequencer(database, streams)

    def run() -> None:
        try:
            while not stop.is_set():
                with suppress(Unavailable):
                    sequencer.run(stop)
                stop.wait(0.1)
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield sequencer
    finally:
        stop.set()
        thread.join()
        database.client.close()
        streams.client.close()
        assert not failures, failures


def wait_until_complete(database: Database[Any]) -> None:
    """Waits until the feed has every entry of the log."""
    deadline = time.monotonic() + _MAX_SECONDS
    while database["feed"].count_documents({}) < database["activity"].count_documents({}):
        assert time.monotonic() < deadline, "the feed does not become complete"
        time.sleep(0.01)


def fill_feed(uri: str, database: Database[Any]) -> None:
    """Appends all entries of the log to the feed."""
    with sequencing(uri, database.name):
        wait_until_complete(database)
        _wait_until_following(database)


def _wait_until_following(database: Database[Any]) -> None:
    """Waits until the sequencer has stored where the stream goes on, as it does once it has caught up."""
    deadline = time.monotonic() + _MAX_SECONDS
    while not (database["checkpoints"].find_one({"_id": "feed"}) or {}).get("token"):
        last = database["feed"].find_one({}, sort=[("_id", -1)])
        if last is not None and "token" in last:
            return
        assert time.monotonic() < deadline, "the sequencer does not follow the log"
        time.sleep(0.01)


def assert_feed_is_the_log(database: Database[Any]) -> None:
    """Every entry of the log has one number, without gaps; versions ascend, and the hashes are a chain."""
    places = list(database["feed"].find().sort("_id", 1))
    entries = {row["_id"]: mappers.change(row) for row in database["activity"].find()}
    assert [place["_id"] for place in places] == list(range(1, len(places) + 1))
    assert sorted(place["entry"] for place in places) == sorted(entries)
    versions: dict[str, int] = {}
    digest = GENESIS
    for place in places:
        change = entries[place["entry"]]
        assert change.version == versions.get(change.entity_id, 0) + 1, change
        versions[change.entity_id] = change.version
        digest = next_hash(digest, canonical_json(plain_entry(change)))
        assert place["hash"] == digest, place


def log_row() -> dict[str, Any]:
    """Returns a row of the log: that of a new task's creation."""
    return {
        "_id": ObjectId(), "at": NOW, "by": "system:tests", "change_set": str(ObjectId()),
        "entity": "task", "entity_id": ObjectId(), "kind": "task.created", "before": {},
        "after": {"title": "Write the report"}, "reason": None, "override": False, "version": 1,
        "projects": ["TASK"],
    }  # fmt: skip


def row_with_invalid_utf8(row: dict[str, Any]) -> RawBSONDocument:
    """Returns the row with a byte in its title that no text in UTF-8 has."""
    encoded = bson.encode({**row, "after": {"title": "x@x"}})
    return RawBSONDocument(encoded.replace(b"x@x", b"x\xffx"))
