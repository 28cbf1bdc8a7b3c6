"""Two machines with a background process each: when the one at work is killed, the other takes over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from tests.feeds import assert_feed_is_the_log, log_row
from tests.integration.test_cli_db import a_mongod
from tests.running import COMMAND, environment, wait_until


@pytest.mark.slow
def test_another_machine_takes_over_within_30_seconds() -> None:
    with a_mongod("--replSet", "two") as port:
        uri = f"mongodb://127.0.0.1:{port}/?replicaSet=two"
        initiate_replica_set(uri)
        database = open_database(uri, "tests")
        with database.client:
            migrate(database, DEFAULT_POLICY.time_zone)
            with _background(uri) as one:
                assert wait_until(lambda: _is_complete(database))
                with _background(uri) as other:
                    one.kill()
                    killed_at = time.monotonic()
                    database["activity"].insert_one(log_row())
                    assert wait_until(lambda: _is_complete(database))
                    assert time.monotonic() - killed_at < 30
                    other.terminate()
                    assert other.wait(timeout=30) == 0
            assert_feed_is_the_log(database)


@contextmanager
def _background(uri: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = {"MONGODB_URI": uri, "DATABASE": "tests"}
    with subprocess.Popen([COMMAND, "background"], env=environment(settings)) as process:
        try:
            yield process
        finally:
            process.kill()


def _is_complete(database: Database[Any]) -> bool:
    return database["feed"].count_documents({}) == database["activity"].count_documents({})
