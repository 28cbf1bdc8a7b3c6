"""The crowd, once a worker; and after each test, whether the log tells of all that is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from tests.concurrency.crowd import Call, Crowd, Outcome
from tests.concurrency.ledger import assert_that_the_log_is_the_store

AtOnce = Callable[[Iterable[Call]], list[Outcome]]


@pytest.fixture(scope="session")
def worker_crowd(mongodb_uri: str, worker_database: Database[Any]) -> Iterator[Crowd]:
    """On the worker's database, which no other test uses meanwhile."""
    with Crowd(mongodb_uri, worker_database.name) as crowd:
        yield crowd


@pytest.fixture
def at_once(worker_crowd: Crowd, database: Database[Any]) -> Iterator[AtOnce]:
    """Performs commands at the same moment: `at_once([call("tasks.bin", id, by=…), …])`."""
    yield worker_crowd
    assert_that_the_log_is_the_store(database)
