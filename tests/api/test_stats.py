"""Tests `GET /stats`: its shape, its days, and what it rejects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from tests.api.client import Client, problem
from tests.factories import SYSTEM, Clock

MakeTask = Callable[..., Task]


@pytest.fixture
def work(
    services: Services, make_user: Callable[..., Any], make_task: MakeTask, clock: Clock
) -> dict[str, str]:
    """Ada has completed one task and started another; a third is nobody's, and a fourth in the bin."""
    ada = make_user("ada")
    done = make_task(assignee_id=ada.id, status="in_progress", priority="high")
    clock.advance(seconds=90, milliseconds=5)
    services.tasks.change_status(done.id, status="completed", by=SYSTEM)
    make_task(assignee_id=ada.id, status="in_progress", due_date="2026-03-09")
    make_task(priority="low")
    services.tasks.bin(make_task().id, by=SYSTEM)
    return {"ada": ada.id}


def test_the_numbers_are_told_with_what_they_are_about(client: Client, work: dict[str, str]) -> None:
    viewer = client.as_("viewer")

    answer = viewer.get("stats", **{"from": "2026-03-09", "to": "2026-03-10"})

    assert answer.json == {
        "by_status": {
            "backlog": 0, "todo": 1, "in_progress": 1, "in_review": 0, "completed": 1, "cancelled": 0,
        },
        "by_priority": {"low": 1, "medium": 1, "high": 0, "urgent": 0},
        "by_assignee": [
            {"assignee_id": work["ada"], "username": "ada", "open": 1, "overdue": 1},
            {"assignee_id": None, "username": None, "open": 1, "overdue": 0},
        ],
        "overdue": 1,
        "time_zone": "UTC",
        "per_day": [
            {"day": "2026-03-09", "created": 0, "completed": 0},
            {"day": "2026-03-10", "created": 3, "completed": 1},
        ],
        "cycle_times": {"tasks": 1, "median_seconds": 90.005, "p85_seconds": 90.005},
    }  # fmt: skip


def test_without_tasks_there_are_zeros_and_no_times(client: Client) -> None:
    found = client.as_("viewer").get("stats").json

    assert (set(found["by_status"].values()), set(found["by_priority"].values())) == ({0}, {0})
    assert (found["by_assignee"], found["overdue"]) == ([], 0)
    assert found["cycle_times"] == {"tasks": 0, "median_seconds": None, "p85_seconds": None}


def test_the_last_thirty_days_are_told_of_unless_others_are_asked_for(client: Client) -> None:
    def days(**query: str) -> tuple[str, str, int]:
        found = [row["day"] for row in client.as_("viewer").get("stats", **query).json["per_day"]]
        return found[0], found[-1], len(found)

    assert days() == ("2026-02-09", "2026-03-10", 30)
    assert days(**{"from": "2026-03-01"}) == ("2026-03-01", "2026-03-10", 10)
    assert days(to="2024-02-29") == ("2024-01-31", "2024-02-29", 30)
    assert days(**{"from": "2025-03-10"}) == ("2025-03-10", "2026-03-10", 366)


def test_a_day_begins_and_ends_in_the_services_time_zone(
    store: Store, client: Client, client_of: Callable[..., Client], make_task: MakeTask, clock: Clock
) -> None:
    clock.advance(hours=14)  # 2 o'clock on the 11th in UTC, still the 10th in New York
    make_task()
    in_new_york = build_services(
        store, policy=replace(DEFAULT_POLICY, time_zone=ZoneInfo("America/New_York")), clock=clock
    )

    utc_row = client.as_("viewer").get("stats").json["per_day"][-1]
    found = client_of(over=in_new_york).as_("viewer").get("stats").json

    assert utc_row == {"day": "2026-03-11", "created": 1, "completed": 0}
    assert found["per_day"][-1] == {"day": "2026-03-10", "created": 1, "completed": 0}
    assert found["time_zone"] == "America/New_York"


def test_the_last_day_is_today_also_where_the_same_was_asked_yesterday(client: Client, clock: Clock) -> None:
    viewer = client.as_("viewer")

    first = viewer.get("stats").json["per_day"][-1]["day"]
    clock.advance(days=1)
    second = viewer.get("stats").json["per_day"][-1]["day"]

    assert (first, second) == ("2026-03-10", "2026-03-11")


@pytest.mark.parametrize(
    ("query", "location", "code", "detail"),
    [
        (
            {"from": "2025-03-09"}, "query.from", "too_many",
            "Must be 2025-03-10 or later: at most 366 days up to 2026-03-10.",
        ),
        (
            {"from": "2026-03-03", "to": "2026-03-02"}, "query.from", "out_of_range",
            "Must not be later than the last day, which is 2026-03-02.",
        ),
        ({"from": "2026-03-11"}, "query.from", "out_of_range", None),
        ({"to": "2026-03-01T00:00:00Z"}, "query.to", "bad_date", "Must be a date, such as 2026-12-01."),
        ({"to": "2026-02-30"}, "query.to", "bad_date", None),
        ({"to": "1969-12-31"}, "query.to", "out_of_range", None),
        ({"since": "2026-03-01"}, "query.since", "unknown_parameter", None),
    ],
)  # fmt: skip
def test_days_that_cannot_be_meant_are_refused(
    query: dict[str, str], location: str, code: str, detail: str | None, client: Client
) -> None:
    (error,) = problem(client.as_("viewer").get("stats", **query), "malformed")["errors"]

    assert (error["location"], error["code"]) == (location, code)
    assert detail in (None, error["detail"])
    if code == "unknown_parameter":
        assert error["allowed"] == ["from", "project", "to"]


@pytest.mark.parametrize("path", ["stats/flow", "stats/cycle-times"])
def test_the_other_statistics_refuse_the_same_days(path: str, client: Client) -> None:
    answer = client.as_("viewer").get(path, **{"from": "2025-03-09", "project": "task"})

    assert [error["location"] for error in problem(answer, "malformed")["errors"]] == ["query.from"]
    unknown = client.as_("viewer").get(path, project="NOWHERE")
    assert [error["location"] for error in problem(unknown, "malformed")["errors"]] == ["query.project"]


def test_the_flow_has_the_statuses_at_the_end_of_each_day(
    client: Client, services: Services, make_task: MakeTask, make_user: Callable[..., Any], clock: Clock
) -> None:
    task = make_task(assignee_id=make_user("ada").id)
    clock.advance(days=1)
    services.tasks.change_status(task.id, status="in_progress", by=SYSTEM)
    make_task()
    clock.advance(days=1)

    found = client.as_("viewer").get("stats/flow", **{"from": "2026-03-09"}).json

    assert found["time_zone"] == "UTC"
    assert [row["day"] for row in found["per_day"]] == [
        "2026-03-09",
        "2026-03-10",
        "2026-03-11",
        "2026-03-12",
    ]
    assert list(found["per_day"][0]["by_status"]) == list(DEFAULT_POLICY.workflow.statuses)
    counts = [(row["by_status"]["todo"], row["by_status"]["in_progress"]) for row in found["per_day"]]
    assert counts == [(0, 0), (1, 0), (1, 1), (1, 1)]


def test_cycle_times_name_their_tasks_the_latest_first(client: Client, work: dict[str, str]) -> None:
    viewer = client.as_("viewer")

    found = viewer.get("stats/cycle-times").json

    assert found["cycle_times"] == viewer.get("stats").json["cycle_times"]
    (time,) = found["latest"]
    assert (time["key"], time["seconds"]) == ("TASK-1", 90.005)
    assert viewer.get(f"tasks/{time['id']}").json["completed_at"] == time["finished_at"]


@pytest.mark.parametrize("path", ["stats/flow", "stats/cycle-times"])
def test_statistics_that_have_not_changed_are_not_sent_again(
    path: str, client: Client, work: dict[str, str], services: Services
) -> None:
    viewer = client.as_("viewer")
    tag = viewer.get(path).headers["ETag"]

    assert viewer.get(path, headers={"If-None-Match": tag}).status_code == 304
    for task in services.tasks.iterate(by=SYSTEM):
        services.tasks.bin(task.id, by=SYSTEM)
    assert viewer.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_every_mistake_is_told_at_once(client: Client) -> None:
    answer = client.as_("viewer").get("stats", **{"from": "soon", "to": "late"})

    assert [error["location"] for error in problem(answer, "malformed")["errors"]] == [
        "query.from",
        "query.to",
    ]
