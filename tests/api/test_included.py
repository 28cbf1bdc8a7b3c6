"""Tests `include`: the assignee, and what depends on the time and on other tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Client, mistakes
from tests.factories import Clock


@pytest.fixture
def reader(client: Client) -> Client:
    return client.as_("viewer")


def derived(reader: Client, task: Task) -> dict[str, Any]:
    found = reader.get(f"tasks/{task.id}", include="derived").json
    return {key: found[key] for key in ("overdue", "blocked", "blocks", "effective_priority")}


def test_without_a_request_nothing_comes_along(reader: Client, make_task: Callable[..., Task]) -> None:
    found = reader.get(f"tasks/{make_task().id}").json

    assert not {"assignee", "overdue", "effective_priority"} & found.keys()


def test_the_assignee_comes_along_in_short(
    reader: Client, make_user: Callable[..., Any], make_task: Callable[..., Task]
) -> None:
    ada = make_user("ada")
    make_task(assignee_id=ada.id)
    make_task()

    items = reader.get("tasks", include="assignee", sort="created_at").json["items"]

    assert [item["assignee"] for item in items] == [
        {"id": ada.id, "username": "ada", "name": "Ada", "active": True},
        None,
    ]


def test_an_answer_with_derived_values_has_no_etag(reader: Client, make_task: Callable[..., Task]) -> None:
    task = make_task()

    assert "ETag" in reader.get(f"tasks/{task.id}").headers
    assert "ETag" not in reader.get(f"tasks/{task.id}", include="derived").headers


def test_a_plain_task_has_the_priority_that_is_stored(reader: Client, make_task: Callable[..., Task]) -> None:
    assert derived(reader, make_task()) == {
        "overdue": False,
        "blocked": False,
        "blocks": [],
        "effective_priority": {"value": "medium", "because": []},
    }


@pytest.mark.parametrize(
    ("hours_late", "value", "code"),
    [
        (-24, "medium", "due_soon"),
        (0, "high", "overdue"),
        (72, "high", "overdue"),
        (73, "urgent", "long_overdue"),
    ],
)
def test_the_clock_lifts_a_priority_and_says_why(
    reader: Client, clock: Clock, make_task: Callable[..., Task], hours_late: int, value: str, code: str
) -> None:
    task = make_task(priority="low", due_date=clock.now - timedelta(hours=hours_late))

    found = derived(reader, task)

    assert found["overdue"] is (hours_late >= 0)
    assert found["effective_priority"]["value"] == value
    assert [cause["code"] for cause in found["effective_priority"]["because"]] == [code]


def test_what_waits_for_a_task_lifts_it_along_the_whole_chain(
    reader: Client, make_task: Callable[..., Task]
) -> None:
    first = make_task(priority="low")
    second = make_task(priority="low", blocked_by=[first.id])
    third = make_task(priority="high", blocked_by=[second.id])

    found = derived(reader, first)

    assert found["blocks"] == [second.id]
    assert found["effective_priority"]["value"] == "high"
    assert [c["task_id"] for c in found["effective_priority"]["because"]] == [second.id]
    assert derived(reader, third)["blocked"] is True


def test_a_closed_task_has_no_effective_priority(reader: Client, make_task: Callable[..., Task]) -> None:
    task = make_task(status="cancelled", reason="never mind", due_date="2020-01-01")

    found = derived(reader, task)

    assert (found["overdue"], found["effective_priority"]) == (False, None)


def test_what_cannot_come_along_is_named(reader: Client) -> None:
    assert mistakes(reader.get("tasks", include="weather"), "malformed") == [("query.include", "not_allowed")]
