"""Tests that the floor of the benchmarks, bare and in Flask, answers like taskmgr."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo.database import Database
from werkzeug.test import Client

from benchmarks import data
from benchmarks.calls import API, USERS
from benchmarks.compare import require_same_answers
from benchmarks.servers import OURS, peer_settings
from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.settings import Settings
from tests.factories import SYSTEM

# Returns the status, the headers and the JSON body of a response.
Fetch = Callable[..., tuple[int, Any, Any]]
_USERS = 3


@pytest.fixture
def filled(database: Database[Any]) -> Database[Any]:
    """The database with the data of the benchmarks."""
    data.fill(database, _USERS * data.TASKS_PER_USER)
    return database


@pytest.fixture
def services(filled: Database[Any]) -> Services:
    return build_services(mongo_store(filled))


@pytest.fixture
def token(services: Services) -> str:
    return services.tokens.create(user_id=str(data.user_id(0)), name="tests", by=SYSTEM).text


@pytest.fixture
def taskmgr(services: Services, token: str) -> Fetch:
    app = create_app(services, Settings(rate_limit=0), secret_key="signs the cursors of tests")
    return fetching(app, Authorization=f"Bearer {token}")


@pytest.fixture(params=["floor", "framework"])
def floor_app(
    request: pytest.FixtureRequest,
    filled: Database[Any],
    mongodb_uri: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:
    for name, value in peer_settings(mongodb_uri, filled.name, tmp_path).items():
        monkeypatch.setenv(name, value)
    for name in ("floor", "framework"):  # they read the environment when they are imported
        monkeypatch.delitem(sys.modules, f"benchmarks.peers.{name}", raising=False)
    app = importlib.import_module(f"benchmarks.peers.{request.param}").app
    with importlib.import_module("benchmarks.peers.floor").client:
        yield app


@pytest.fixture
def floor(floor_app: Any, token: str) -> Fetch:
    return fetching(floor_app, Authorization=f"Bearer {token}")


def fetching(app: Any, **headers: str) -> Fetch:
    def fetch(path: str, method: str = "GET", **body: Any) -> tuple[int, Any, Any]:
        response = Client(app).open(path, method=method, headers=headers, json=body or None)
        return response.status_code, response.headers, response.json

    return fetch


def test_the_floor_reads_the_same_ids_and_fields_as_taskmgr(taskmgr: Fetch, floor: Fetch) -> None:
    require_same_answers({OURS: taskmgr, "floor": floor})


def test_the_floor_counts_the_tasks_of_users_like_taskmgr(taskmgr: Fetch, floor: Fetch) -> None:
    ours, theirs = (
        [(user["tasks_total"], user["counts"], user["wip_room"]) for user in fetch(USERS)[2]["items"]]
        for fetch in (taskmgr, floor)
    )

    assert len(ours) == _USERS
    assert theirs == ours


def test_the_floor_writes_the_same_fields_as_taskmgr(taskmgr: Fetch, floor: Fetch) -> None:
    user, task = data.user_id(1), data.task_of(1, data.MOVED[0], _USERS)
    new = {"title": "Count the invoices", "due_date": "2099-12-31", "assignee_id": str(user)}
    written = {
        fetch: (fetch(f"{API}/tasks", "POST", **new), fetch(f"{API}/tasks/{task}/status", "PUT", status=to))
        for fetch, to in ((taskmgr, "in_progress"), (floor, "todo"))
    }
    ours, theirs = (
        [(status, sorted(body)) for status, _, body in written[fetch]] for fetch in (taskmgr, floor)
    )

    assert [status for status, _ in ours] == [201, 200]
    assert theirs == ours


def test_the_floor_leads_through_the_same_pages(taskmgr: Fetch, floor: Fetch) -> None:
    path = f"{API}/tasks?status=todo&sort=due_date&limit=7"

    theirs, ours = (_ids_of_pages(fetch, path) for fetch in (floor, taskmgr))

    assert len(ours) > 2
    assert theirs == ours


def test_the_floor_answers_nobody_with_a_wrong_secret(floor_app: Any, token: str) -> None:
    answer = fetching(floor_app, Authorization=f"Bearer {token}x")(f"{API}/tasks/{data.task_id(0)}")

    assert answer[0] == 401


def test_doctor_finds_nothing_wrong_with_the_data(filled: Database[Any]) -> None:
    found: list[tuple[str, str, str]] = []

    inspect_database(filled, DEFAULT_POLICY, lambda *finding: found.append(finding))

    assert found == []


def _ids_of_pages(fetch: Fetch, path: str) -> list[list[str]]:
    """Returns the ids of the tasks on each page of a list."""
    pages, cursor = [], ""
    while cursor is not None:
        _, _, page = fetch(f"{path}{cursor and '&cursor='}{quote(cursor)}")
        pages.append([task["id"] for task in page["items"]])
        cursor = page["next"]
    return pages
