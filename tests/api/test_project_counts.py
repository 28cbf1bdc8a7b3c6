"""Tests `include=counts` of the projects."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes
from tests.factories import SYSTEM, Clock

OPEN_AND_LATE = {"open": 2, "overdue": 1, "completed_30_days": 0}
NOTHING = {"open": 0, "overdue": 0, "completed_30_days": 0}


@pytest.fixture
def viewer(client: Client, services: Services, make_task: Callable[..., Task]) -> Client:
    """Reads two projects: two open tasks in OPS, one of them due at the end of the day, none in TASK."""
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    make_task(project="OPS", due_date="2026-03-10")
    make_task(project="OPS", status="backlog")
    services.tasks.bin(make_task(project="OPS").id, by=SYSTEM)
    return client.as_("viewer")


def test_projects_have_counts_if_they_are_requested(viewer: Client, clock: Clock) -> None:
    clock.advance(days=1)

    page = viewer.get("projects", include="counts", total="true").json
    one = viewer.get("projects/ops", include="counts").json

    assert {row["key"]: row["counts"] for row in page["items"]} == {"OPS": OPEN_AND_LATE, "TASK": NOTHING}
    assert one == page["items"][0]
    plain = viewer.get("projects", total="true").json
    assert plain["items"][0] == {name: value for name, value in one.items() if name != "counts"}
    assert (page["next"], page["total"]) == (plain["next"], plain["total"]) == (None, 2)


def test_tasks_completed_in_the_last_thirty_days_are_counted(
    viewer: Client, services: Services, make_task: Callable[..., Task], clock: Clock
) -> None:
    task = make_task(project="OPS", status="in_progress", assignee_id=viewer.user.id)
    services.tasks.change_status(task.id, status="completed", by=SYSTEM)

    def completed() -> int:
        found: int = viewer.get("projects/OPS", include="counts").json["counts"]["completed_30_days"]
        return found

    clock.advance(days=30)
    assert completed() == 1
    clock.advance(milliseconds=1)
    assert completed() == 0


def test_counts_that_change_with_the_clock_alone_are_sent_again(viewer: Client, clock: Clock) -> None:
    tag = viewer.get("projects", include="counts").headers["ETag"]
    assert "ETag" not in viewer.get("projects/OPS", include="counts").headers
    clock.advance(days=1)

    again = viewer.get("projects", include="counts", headers={"If-None-Match": tag})

    assert again.status_code == 200
    assert again.json["items"][0]["counts"] == OPEN_AND_LATE


def test_pages_with_counts_are_walked_and_filtered_as_those_without(viewer: Client) -> None:
    first = viewer.get("projects", include="counts", limit="1", archived="false").json
    second = viewer.get("projects", include="counts", limit="1", archived="false", cursor=first["next"]).json

    assert [page["items"][0]["key"] for page in (first, second)] == ["OPS", "TASK"]
    assert second["next"] is None
    assert viewer.get("projects", include="counts", archived="true").json["items"] == []


@pytest.mark.parametrize("path", ["projects", "projects/OPS"])
def test_anything_else_to_include_is_an_error(path: str, viewer: Client) -> None:
    assert mistakes(viewer.get(path, include="tasks"), "malformed") == [("query.include", "not_allowed")]
