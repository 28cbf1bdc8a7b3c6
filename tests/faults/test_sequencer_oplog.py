"""The oplog has passed the sequencer: what it has missed comes from a comparison of the feed with the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog.testing
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from tests.feeds import assert_feed_is_the_log, fill_feed, log_row
from tests.integration.test_cli_db import a_mongod
from tests.running import wait_until


@pytest.fixture
def uri() -> Iterator[str]:
    """A server with the smallest oplog."""
    with a_mongod("--replSet", "small", "--oplogSize", "1") as port:
        uri = f"mongodb://127.0.0.1:{port}/?replicaSet=small"
        initiate_replica_set(uri)
        yield uri


@pytest.mark.slow
def test_entries_that_have_left_the_oplog_get_their_numbers(uri: str) -> None:
    database = open_database(uri, "tests")
    with database.client, structlog.testing.capture_logs() as lines:
        migrate(database, DEFAULT_POLICY.time_zone)
        database["activity"].insert_many([log_row() for _ in range(100)])
        fill_feed(uri, database)
        missed = [log_row() for _ in range(1_500)]
        database["activity"].insert_many(missed)
        latest = _oplog_end(database, -1)
        assert wait_until(lambda: _filled(database) and _oplog_end(database, 1) > latest)

        fill_feed(uri, database)

        assert_feed_is_the_log(database)
    assert "the log is compared with the feed" in [line["event"] for line in lines]


def _oplog_end(database: Database[Any], direction: int) -> Any:
    """Returns the time of the first or the last entry of the oplog."""
    entry = database.client.local["oplog.rs"].find_one(sort=[("$natural", direction)])
    assert entry is not None
    return entry["ts"]


def _filled(database: Database[Any]) -> bool:
    """Writes half a megabyte to the oplog."""
    return database["filling"].insert_one({"text": "x" * 500_000}).acknowledged
