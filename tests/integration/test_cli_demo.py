"""`taskmgr demo`: a believable team in an empty database, and never beside real work."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Kind, Role, User
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.conftest import empty
from tests.running import Settings, run_here

# Other names, a step more, and as strict as it gets.
STRICT = """
[limits]
wip = 1
urgent = 1

[rules]
four_eyes = true

[workflow]
initial = "new"

[workflow.statuses.new]
category = "unstarted"
leads_to = ["ready", "rejected"]

[workflow.statuses.ready]
category = "unstarted"
leads_to = ["doing", "rejected"]

[workflow.statuses.doing]
category = "started"
leads_to = ["checking", "rejected"]

[workflow.statuses.checking]
category = "started"
leads_to = ["doing", "solved"]

[workflow.statuses.solved]
category = "completed"
leads_to = []

[workflow.statuses.rejected]
category = "cancelled"
leads_to = []
"""


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str) -> Settings:
    ensure_default_project(database)
    return {"MONGODB_URI": mongodb_uri, "DATABASE": database.name}


def all_tasks(services: Services, by: Actor) -> list[Task]:
    return [
        task for binned in (False, True) for task in services.tasks.iterate(TaskQuery(binned=binned), by=by)
    ]


def whole_log(services: Services, by: Actor) -> list[Change]:
    page_request, found = PageRequest(limit=200), []
    while True:
        page = services.activity.list(ActivityQuery(), page_request, by=by)
        found += page.items
        if page.next is None:
            return found
        page_request = replace(page_request, after=page.next)


def test_an_empty_database_gets_a_team_and_its_history(
    settings: Settings, services: Services, system: Actor
) -> None:
    began = utc_now()
    done = run_here(settings, "demo")

    assert done.status == 0, done.err
    now = utc_now()
    users = services.users.list(PageRequest(limit=200), by=system).items
    assert {user.role for user in users} == set(Role)
    assert {user.kind for user in users} == set(Kind)
    assert len(users) == 9
    tasks = all_tasks(services, system)
    live = [task for task in tasks if not task.is_binned]
    assert len(tasks) >= 60
    assert {task.status for task in live} == set(DEFAULT_POLICY.workflow.statuses)
    times_left = [task.due_date.at - now for task in live if task.due_date]
    assert any(due < timedelta() for due in times_left)
    assert any(timedelta() < due < timedelta(days=1) for due in times_left)
    assert any(due > timedelta(days=14) for due in times_left)
    assert any(task.is_overdue(now=now, workflow=DEFAULT_POLICY.workflow) for task in live)
    assert all(
        any(has(task) for task in live)
        for has in (
            lambda task: task.due_date is None,
            lambda task: task.assignee_id is None,
            lambda task: task.parent_id,
            lambda task: task.blocked_by,
            lambda task: task.labels,
            lambda task: task.reopen_count,
        )
    )
    assert {project.key for project in services.projects.iterate(by=system)} == {
        "WEB", "BILL", "OPS", "MOVE", "TASK",
    }  # fmt: skip
    log = whole_log(services, system)
    assert {"task.binned", "task.assigned", "task.priority_changed", "comment.created"} <= {
        change.kind for change in log
    }
    assert not any(change.override for change in log)
    assert all(
        now - timedelta(days=62) < change.at < now for change in log if change.by != "system:migration"
    )
    assert min(task.created_at for task in tasks) < began - timedelta(days=30)
    assert run_here(settings, "doctor").out == "Everything is in order.\n"


def test_the_content_is_the_same_every_time_and_is_made_once(
    settings: Settings,
    services: Services,
    system: Actor,
    database: Database[Any],
    make_user: Callable[..., User],
) -> None:
    def content() -> Counter[object]:
        assert run_here(settings, "demo").status == 0
        tasks = all_tasks(services, system)
        return Counter(
            (task.key, task.former_keys, task.title, task.status, task.priority, task.labels, task.version)
            for task in tasks
        )

    first = content()
    empty(database)
    make_user("admin", role=Role.ADMIN)
    second = content()
    again = run_here(settings, "demo")

    assert first == second
    assert (again.status, again.out, again.err.count("\n")) == (1, "", 1)
    assert again.err.startswith("Error: The database is not empty. It has tasks. ")


def test_the_work_crosses_projects(settings: Settings, services: Services, system: Actor) -> None:
    assert run_here(settings, "demo").status == 0

    tasks = {task.id: task for task in all_tasks(services, system)}
    assert any(task.parent_id and tasks[task.parent_id].project != task.project for task in tasks.values())
    assert any(
        tasks[blocker].project != task.project for task in tasks.values() for blocker in task.blocked_by
    )
    (moved,) = (task for task in tasks.values() if task.former_keys)
    assert (moved.project, moved.former_keys[0].partition("-")[0]) == ("OPS", "WEB")
    assert services.tasks.get(moved.former_keys[0], by=system) == moved


def test_the_project_that_is_done_is_archived(settings: Settings, services: Services, system: Actor) -> None:
    assert run_here(settings, "demo").status == 0

    (archived,) = (project for project in services.projects.iterate(by=system) if project.is_archived)
    assert archived.key == "MOVE"
    tasks = list(services.tasks.iterate(TaskQuery(projects=("MOVE",)), by=system))
    assert tasks
    assert not any(DEFAULT_POLICY.workflow.is_open(task.status) for task in tasks)


def test_the_summary_shows_the_keys_of_each_project(
    settings: Settings, services: Services, system: Actor
) -> None:
    done = run_here(settings, "demo")

    first, *lines, last = done.out.splitlines()
    assert re.fullmatch(r"Created 8 users and \d+ tasks in 5 projects:", first)
    assert last == "Create a token to look around with: taskmgr tokens create --user nora.lind"
    assert [re.sub(r"-\d+$", "-…", line.strip()) for line in lines] == [
        "Billing: BILL-1 to BILL-…",
        "Move to the new office (archived): MOVE-1 to MOVE-…",
        "Operations: OPS-1 to OPS-…",
        "Tasks: TASK-1 to TASK-…",
        "Customer portal: WEB-1 to WEB-…",
    ]
    shown = {line.rpartition(" ")[2] for line in lines}
    assert shown <= {task.key for task in all_tasks(services, system)}


def test_a_project_is_enough_to_be_left_alone(settings: Settings, services: Services, system: Actor) -> None:
    services.projects.create(key="OPS", name="Operations", by=system)

    assert run_here(settings, "demo").status == 1
    assert all_tasks(services, system) == []


@pytest.mark.parametrize("binned", [False, True])
def test_one_task_is_enough_to_be_left_alone(
    settings: Settings, services: Services, make_task: Callable[..., Task], system: Actor, binned: bool
) -> None:
    task = make_task()
    if binned:
        services.tasks.bin(task.id, by=system)

    assert run_here(settings, "demo").status == 1
    assert len(all_tasks(services, system)) == 1


def test_the_demo_keeps_to_a_stricter_policy(
    settings: Settings, tmp_path: Path, database: Database[Any]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(STRICT)
    strict = {**settings, "POLICY": str(policy)}

    done = run_here(strict, "demo")

    assert done.status == 0, done.err
    assert set(database.tasks.distinct("status")) == {
        "new",
        "ready",
        "doing",
        "checking",
        "solved",
        "rejected",
    }
    assert run_here(strict, "doctor").out == "Everything is in order.\n"
