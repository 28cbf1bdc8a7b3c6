"""Bulks that are too large for one transaction, and what is logged of writes that fail."""

from __future__ import annotations

import logging
import random
import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from pymongo.database import Database

from taskmgr import logs
from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.transaction import MAX_WORDS
from taskmgr.settings import Settings
from tests.api.client import Client
from tests.running import short_folder

SECRET = "hunter2-hunter2"
SMALLEST_CACHE = 0.25  # GiB


@pytest.fixture(scope="module")
def database() -> Iterator[Database[Any]]:
    with short_folder() as place, EmbeddedDatabase(place, cache_gib=SMALLEST_CACHE) as uri:
        database = open_database(uri, "small")
        with database.client:
            migrate(database, DEFAULT_POLICY.time_zone)
            yield database


@pytest.fixture
def client(database: Database[Any]) -> Client:
    for name in ("tasks", "activity", "users", "tokens", "answers"):
        database[name].delete_many({})
    services = build_services(mongo_store(database))
    app = create_app(services, Settings(rate_limit=0), secret_key="a key that signs nothing")
    return Client(app, services).as_("admin")


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Any:
    """Returns a block inside which the service logs as it does when it runs, and which yields the lines."""

    @contextmanager
    def logged() -> Iterator[list[str]]:
        root, config = logging.getLogger(), structlog.get_config()
        handlers, level = root.handlers, root.level
        logs.set_up("json")
        # Otherwise the loggers that are used here would log in this way for good.
        structlog.configure(cache_logger_on_first_use=False)
        lines: list[str] = []
        try:
            yield lines
        finally:
            root.handlers = handlers
            root.setLevel(level)
            structlog.configure(**config)
            lines += capsys.readouterr().err.splitlines()

    return logged


def words(characters: int, *, seed: int) -> str:
    chosen = random.Random(seed)
    found = ("".join(chosen.choices(string.ascii_lowercase, k=7)) for _ in range(characters // 8))
    return " ".join(found)


@pytest.mark.parametrize("mode", ["atomic", "each"])
@pytest.mark.parametrize(
    "headers", [{}, {"Idempotency-Key": "too-large"}], ids=["without a key", "with a key"]
)
def test_a_bulk_of_too_many_words_is_told_to_send_less(
    mode: str, headers: dict[str, str], client: Client, database: Database[Any], written: Any
) -> None:
    operations = [
        {"op": "create", "title": SECRET, "description": f"{SECRET} {words(2_000, seed=n)}"}
        for n in range(1_000)
    ]

    with written() as lines:
        answer = client.post("tasks/bulk", {"mode": mode, "operations": operations}, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (413, "transaction_too_large")
    assert "send fewer operations" in answer.json["detail"]
    assert "Retry-After" not in answer.headers
    assert database["tasks"].count_documents({}) == database["answers"].count_documents({}) == 0
    assert not [line for line in lines if SECRET in line or '"error"' in line]


def test_a_bulk_may_create_tasks_of_sixty_thousand_words_and_no_more(client: Client) -> None:
    words_each = MAX_WORDS // 100
    description = " ".join(f"word{n}" for n in range(words_each - 1))
    operations = [{"op": "create", "title": "Long", "description": description}] * 100

    fitting = client.post("tasks/bulk", {"operations": operations})
    too_many = client.post("tasks/bulk", {"operations": [*operations, {"op": "create", "title": "One"}]})

    assert (fitting.status_code, too_many.status_code) == (200, 413)


def test_a_change_by_query_that_outgrows_the_cache_is_told_the_same(
    client: Client, database: Database[Any]
) -> None:
    small = [{"op": "create", "title": "Small"}] * 1_000
    assert client.post("tasks/bulk", {"operations": small}).status_code == 200
    body = {"where": {}, "change": {"description": words(20_000, seed=1)}, "expect": 1_000}

    answer = client.post("tasks/bulk", body)

    assert (answer.status_code, answer.json["code"]) == (413, "transaction_too_large")
    assert database["tasks"].count_documents({"version": {"$gt": 1}}) == 0


@pytest.mark.parametrize("operations", [1, 2])
def test_a_write_that_the_database_refuses_leaves_no_text_of_it_in_the_log(
    operations: int, client: Client, database: Database[Any], written: Any
) -> None:
    database.command("collMod", "tasks", validator={"title": {"$ne": SECRET}})
    many = [{"op": "create", "title": SECRET}] * operations
    try:
        with written() as lines:
            answer = client.post("tasks/bulk", {"operations": many})
    finally:
        database.command("collMod", "tasks", validator={})

    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    (line,) = [line for line in lines if "internal error" in line]
    assert "pymongo.errors." in line
    assert "121" in line  # DocumentValidationFailure
    assert SECRET not in "".join([*lines, answer.text])
