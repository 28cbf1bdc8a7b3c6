"""Kills the primary under the sequencer: the feed has every entry of the log once, without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from taskmgr.background.work import follow
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.feed.insert_stream import MAX_BATCH
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from tests.faults.replica_set import ReplicaSet, migrated_database, running_replica_set
from tests.feeds import assert_feed_is_the_log, fill_feed, log_row, wait_until_complete
from tests.running import wait_until


@pytest.fixture
def replica_set() -> Iterator[ReplicaSet]:
    with running_replica_set() as running:
        yield running


@pytest.fixture
def database(replica_set: ReplicaSet) -> Iterator[Database[Any]]:
    with migrated_database(replica_set) as database:
        yield database


@pytest.mark.slow
def test_numbers_that_a_failover_has_rolled_back_are_given_again(
    replica_set: ReplicaSet, database: Database[Any]
) -> None:
    """The numbers of the first batch exist on the old primary alone, when the second batch follows."""
    log = database.get_collection("activity", write_concern=WriteConcern("majority"))
    log.insert_one(log_row())
    fill_feed(replica_set.uri, database)
    log.insert_many([log_row() for _ in range(2 * MAX_BATCH)])
    primary = replica_set.primary(database)
    replica_set.stop_replication(primary)
    with _following(replica_set, database):
        with replica_set.client(primary) as alone:
            assert wait_until(lambda: alone.tests.feed.estimated_document_count() > MAX_BATCH)
            # The wait for a majority ends, and the sequencer begins again.
            wait_until(lambda: alone.tests.feed.estimated_document_count() > 2 * MAX_BATCH, seconds=20)
        replica_set.kill(primary)
        replica_set.go_on()
        wait_until_complete(database)

    assert_feed_is_the_log(database)


@contextmanager
def _following(replica_set: ReplicaSet, database: Database[Any]) -> Iterator[None]:
    """Runs a sequencer as the background process does, until the end of the block."""
    stop = Event()
    streams = open_database(replica_set.uri, database.name, for_streams=True)
    thread = Thread(target=follow, args=(Sequencer(database, streams), stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        streams.client.close()
