"""`POST /demo`: something to look around in, while there are no tasks."""

from __future__ import annotations

import pytest

from taskmgr.domain.services import Services
from tests.api.client import Client, problem
from tests.factories import SYSTEM


def test_an_admin_fills_a_database_without_tasks(client: Client) -> None:
    admin = client.as_("admin")

    created = admin.post("demo")

    assert created.status_code == 201
    assert created.json == {"users": 8, "projects": 4, "tasks": 67}
    usernames = {user["username"] for user in admin.get("users").json["items"]}
    assert {"admin", "nora.lind", "ci-bot"} <= usernames
    totals = [admin.get("tasks", bin=binned, total="true").json["total"] for binned in ("true", "false")]
    assert (sum(totals), min(totals) > 0) == (67, True)
    assert {project["key"] for project in admin.get("projects").json["items"]} == {
        "WEB", "BILL", "OPS", "MOVE", "TASK",
    }  # fmt: skip


def test_it_is_not_created_twice(client: Client) -> None:
    admin = client.as_("admin")
    assert admin.post("demo").status_code == 201

    again = problem(admin.post("demo"), "database_not_empty")

    assert again["detail"] == "The database is not empty. It has tasks."


@pytest.mark.parametrize("binned", [False, True])
def test_one_task_is_enough_to_refuse_it(client: Client, services: Services, binned: bool) -> None:
    task = services.tasks.create(title="Real work", by=SYSTEM)
    if binned:
        services.tasks.bin(task.id, by=SYSTEM)

    refused = problem(client.as_("admin").post("demo"), "database_not_empty")

    assert refused["detail"] == "The database is not empty. It has tasks."
    assert [project.key for project in services.projects.iterate(by=SYSTEM)] == ["TASK"]


def test_names_that_the_demo_needs_are_named_before_anything_is_created(
    client: Client, services: Services
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    project = problem(client.as_("admin").post("demo"), "database_not_empty")
    services.users.create(username="nora.lind", name="Another Nora", by=SYSTEM)
    user = problem(client.as_("admin").post("demo"), "database_not_empty")

    assert project["detail"].endswith("It has projects that the demo would create: OPS.")
    assert user["detail"].endswith("It has users that the demo would create: nora.lind.")
    assert {user.username for user in services.users.iterate(by=SYSTEM)} == {"admin", "nora.lind"}
