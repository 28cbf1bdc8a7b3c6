"""Tests waiting for changes: an answer comes as soon as there is something, and never late."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from tests.api.client import Client, problem
from tests.feeds import fill_feed, sequencing


@pytest.fixture
def since(mongodb_uri: str, database: Database[Any], client: Client) -> str:
    """The end of the feed; the clients' tokens are before it."""
    client.as_("viewer")
    fill_feed(mongodb_uri, database)
    return str(client.as_("viewer").get("changes").json["next"])


def test_a_wait_without_changes_ends_after_its_time_with_the_same_position(
    client: Client, mongodb_uri: str, database: Database[Any], since: str
) -> None:
    viewer = client.as_("viewer")
    fill_feed(mongodb_uri, database)
    since = viewer.get("changes").json["next"]
    started = time.monotonic()

    page = viewer.get("changes", since=since, wait="1").json

    assert page == {"items": [], "next": since, "more": False}
    assert time.monotonic() - started >= 1.0


def test_a_change_that_is_there_is_not_waited_for(
    client: Client, mongodb_uri: str, database: Database[Any], since: str, make_task: Callable[..., Task]
) -> None:
    viewer = client.as_("viewer")
    task = make_task()
    fill_feed(mongodb_uri, database)
    started = time.monotonic()

    page = viewer.get("changes", since=since, wait="25", entity="task").json

    assert [item["entity_id"] for item in page["items"]] == [task.id]
    assert time.monotonic() - started < 20


def test_a_wait_ends_with_the_change_that_matches_and_not_with_another(
    client: Client, mongodb_uri: str, database: Database[Any], since: str, make_task: Callable[..., Task]
) -> None:
    viewer = client.as_("viewer")
    with sequencing(mongodb_uri, database.name), ThreadPoolExecutor() as pool:
        waiting = pool.submit(viewer.get, "changes", since=since, wait="25", kind="comment.created")
        time.sleep(0.5)
        task = make_task()
        time.sleep(0.5)
        assert not waiting.done()
        started = time.monotonic()
        client.as_("member").post(f"tasks/{task.id}/comments", {"text": "Soon."})
        page = waiting.result(timeout=20).json
        assert time.monotonic() - started < 15

    assert [item["kind"] for item in page["items"]] == ["comment.created"]
    assert page["next"] == viewer.get("changes").json["next"]


def test_a_token_that_is_revoked_while_it_waits_gets_no_changes(
    client: Client, mongodb_uri: str, database: Database[Any], since: str, make_task: Callable[..., Task]
) -> None:
    viewer = client.as_("viewer")
    with sequencing(mongodb_uri, database.name), ThreadPoolExecutor() as pool:
        waiting = pool.submit(viewer.get, "changes", since=since, wait="25", entity="task")
        time.sleep(0.3)
        assert viewer.delete(f"tokens/{viewer.token}").status_code == 204
        time.sleep(1.0)
        make_task()

        problem(waiting.result(timeout=20), "unauthenticated")
