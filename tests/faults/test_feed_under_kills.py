"""Two sequencers without a lease, eight writing processes, and kills of sequencers and of the primary.

`KILLS=20` makes as many kills; each takes about ten seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from threading import Event
from typing import Any

import pytest

from taskmgr.background.work import follow
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import DomainError
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import SYSTEM
from tests.faults.replica_set import ReplicaSet, migrated_database, running_replica_set
from tests.feeds import assert_feed_is_the_log, wait_until_complete
from tests.running import wait_until

KILLS = int(os.environ.get("KILLS", "4"))
WRITERS = 8

_spawning = multiprocessing.get_context("spawn")


@pytest.mark.slow
def test_every_entry_has_one_number_whatever_is_killed() -> None:
    with running_replica_set() as replica_set, migrated_database(replica_set) as database:
        uri = replica_set.uri
        writers = [_started(_write, uri, n) for n in range(WRITERS)]
        sequencers = [_started(_sequence, uri) for _ in range(2)]
        for kill in range(KILLS):
            numbered = _count(database, "feed")
            assert wait_until(lambda numbered=numbered: _count(database, "feed") > numbered + 20)  # type: ignore[misc]
            if kill % 2:
                _kill_primary(replica_set, database)
            else:
                sequencers.append(_started(_sequence, uri))
                _end(sequencers.pop(0))
        for writer in writers:
            _end(writer)
        wait_until_complete(database)
        for sequencer in sequencers:
            _end(sequencer)

        assert_feed_is_the_log(database)
        print(f"{KILLS} kills, {_count(database, 'feed')} entries")


def _started(target: Any, *args: Any) -> BaseProcess:
    process = _spawning.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def _end(process: BaseProcess) -> None:
    process.kill()
    process.join()


def _count(database: Any, collection: str) -> int:
    with suppress(DomainError):
        return int(database[collection].estimated_document_count())
    return 0


def _kill_primary(replica_set: ReplicaSet, database: Any) -> None:
    """Kills the primary; starts it again after the election of another, and waits until all have the same."""
    port = replica_set.primary(database)
    replica_set.kill(port)
    assert wait_until(lambda: database.client.primary not in (None, ("127.0.0.1", port)))
    replica_set.run(port)
    assert wait_until(lambda: replica_set.is_complete(database))


def _write(uri: str, number: int) -> None:
    """Creates and changes tasks until the process is killed."""
    services = build_services(mongo_store(open_database(uri, "tests"), deadline=20.0))
    chance = random.Random(number)
    tasks: list[str] = []
    while True:
        with suppress(DomainError):
            if len(tasks) < 5 or chance.random() < 0.3:
                tasks.append(services.tasks.create(title=f"Task of {number}", by=SYSTEM).id)
            else:
                title = f"Title {chance.random()}"
                services.tasks.change(chance.choice(tasks), {"title": title}, by=SYSTEM)
        time.sleep(0.02)


def _sequence(uri: str) -> None:
    database, streams = open_database(uri, "tests"), open_database(uri, "tests", for_streams=True)
    follow(Sequencer(database, streams), Event())
