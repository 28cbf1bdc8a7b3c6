"""Tests the parameter `project` of every list that has it, and the sorts by key and by rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes
from tests.factories import SYSTEM, Clock, an_id

LISTS = ["tasks", "users?include=tasks", "stats", "labels", "activity", "tasks/bulk"]


@pytest.fixture
def projects(services: Services) -> dict[str, str]:
    """The ids of three projects, by key."""
    for key in ("OPS", "WEB"):
        services.projects.create(key=key, name=key.title(), by=SYSTEM)
    return {project.key: project.id for project in services.projects.iterate(by=SYSTEM)}


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")


@pytest.fixture
def tasks(
    projects: dict[str, str], ada: User, make_task: Callable[..., Task], clock: Clock
) -> dict[str, Task]:
    """Tasks of three projects, by title, each newer than the one before."""
    made = {}
    for title, fields in {
        "cables": {"project": "OPS", "assignee_id": ada.id, "status": "in_progress", "labels": ["site"]},
        "backup": {"project": "OPS", "due_date": "2026-03-01", "labels": ["night"]},
        "logo": {"project": "WEB", "assignee_id": ada.id, "status": "in_progress", "labels": ["site"]},
        "report": {"assignee_id": ada.id, "labels": ["site"]},
    }.items():
        clock.advance(minutes=1)
        made[title] = make_task(title=title, **fields)
    return made


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [task["title"] for task in answer.json["items"]]


# --- which projects


def test_projects_are_given_by_key_in_any_case_or_by_id(
    client: Client, tasks: dict[str, Task], projects: dict[str, str]
) -> None:
    viewer = client.as_("viewer")

    assert titles(viewer.get("tasks", project="OPS")) == ["backup", "cables"]
    assert titles(viewer.get("tasks", project="ops,Web")) == ["logo", "backup", "cables"]
    assert titles(viewer.get("tasks", project=f"{projects['WEB']},WEB,task")) == ["report", "logo"]
    assert titles(viewer.get("tasks", project="OPS", label="site")) == ["cables"]


@pytest.mark.parametrize("where", LISTS)
@pytest.mark.parametrize("unknown", ["NOPE", "nope", an_id()])
def test_an_unknown_project_is_an_error_in_every_list(
    where: str, unknown: str, client: Client, tasks: dict[str, Task]
) -> None:
    manager = client.as_("manager")
    kind = "key" if len(unknown) == 4 else "id"
    if where == "tasks/bulk":
        body = {"where": {"project": f"OPS,{unknown}"}, "change": {"priority": "low"}, "expect": 0}
        answer, code, location = manager.post(where, body), "invalid", "body.where.project"
    else:
        path, _, include = where.partition("?include=")
        query = {"include": include} if include else {}
        answer = manager.get(path, project=f"OPS,{unknown}", **query)
        code, location = "malformed", "query.project"

    assert mistakes(answer, code) == [(location, "unknown_project")]
    assert answer.json["errors"][0]["detail"] == f"Unknown project {kind}: {unknown}."


@pytest.mark.parametrize("where", LISTS[:-1])
def test_what_cannot_be_a_project_is_an_error(where: str, client: Client) -> None:
    path, _, include = where.partition("?include=")
    query = {"include": include} if include else {}

    answer = client.as_("viewer").get(path, project="no key", **query)

    assert mistakes(answer, "malformed") == [("query.project", "bad_project_key")]


def test_unknown_users_and_projects_are_named_at_once(client: Client) -> None:
    viewer = client.as_("viewer")

    found = mistakes(viewer.get("tasks", project="A1,B2", assignee="nobody"), "malformed")
    assert found == [
        ("query.assignee", "unknown_user"),
        ("query.project", "unknown_project"),
        ("query.project", "unknown_project"),
    ]
    found = mistakes(viewer.get("activity", project="A1", by="nobody"), "malformed")
    assert found == [("query.by", "unknown_user"), ("query.project", "unknown_project")]


def test_unknown_users_and_projects_of_a_bulk_by_query_are_mistakes_in_its_body(client: Client) -> None:
    where = {"project": "A1", "assignee": "nobody"}
    answer = client.as_("manager").post(
        "tasks/bulk", {"where": where, "change": {"priority": "low"}, "expect": 0}
    )

    assert mistakes(answer, "invalid") == [
        ("body.where.assignee", "unknown_user"),
        ("body.where.project", "unknown_project"),
    ]


# --- lists of tasks


def test_a_bulk_by_query_changes_the_tasks_of_the_project_alone(
    client: Client, tasks: dict[str, Task]
) -> None:
    manager = client.as_("manager")
    body = {"where": {"project": "ops"}, "change": {"labels": ["moved"]}, "expect": 2}

    assert manager.post("tasks/bulk", body).status_code == 200
    assert sorted(titles(manager.get("tasks", label="moved"))) == ["backup", "cables"]


def test_a_list_of_a_project_has_an_etag_until_something_in_it_changes(
    client: Client, tasks: dict[str, Task]
) -> None:
    manager = client.as_("manager")
    tag = {"If-None-Match": manager.get("tasks", project="OPS").headers["ETag"]}
    assert manager.get("tasks", project="OPS", headers=tag).status_code == 304
    assert manager.get("tasks", project="WEB", headers=tag).status_code == 200

    manager.patch(f"tasks/{tasks['logo'].id}", {"title": "emblem"})
    assert manager.get("tasks", project="OPS", headers=tag).status_code == 304
    manager.patch(f"tasks/{tasks['logo'].id}", {"project": "OPS"})
    assert titles(manager.get("tasks", project="OPS", headers=tag)) == ["emblem", "backup", "cables"]


def test_a_cursor_holds_for_its_projects_however_they_are_given(
    client: Client, tasks: dict[str, Task], projects: dict[str, str]
) -> None:
    viewer = client.as_("viewer")
    cursor = viewer.get("tasks", project="OPS", limit="1").json["next"]

    for same in ("OPS", "ops", projects["OPS"]):
        assert titles(viewer.get("tasks", project=same, limit="1", cursor=cursor)) == ["cables"]
    for other in ("WEB", "OPS,WEB"):
        refused = viewer.get("tasks", project=other, limit="1", cursor=cursor)
        assert mistakes(refused, "malformed") == [("query.cursor", "bad_cursor")]


def test_keys_sort_by_project_and_number(
    client: Client, projects: dict[str, str], make_task: Callable[..., Task]
) -> None:
    for project in ("OPS",) * 11 + ("WEB", "TASK"):
        make_task(project=project)
    viewer, numbers = client.as_("viewer"), range(1, 12)
    expected = [*(f"OPS-{number}" for number in numbers), "TASK-1", "WEB-1"]

    for sort, keys in (("key", expected), ("-key", expected[::-1]), ("key,-rank,title", expected)):
        found, cursor = [], {}
        while cursor is not None:
            page = viewer.get("tasks", sort=sort, limit="5", **cursor).json
            found += [task["key"] for task in page["items"]]
            cursor = page["next"] and {"cursor": page["next"]}
        assert found == keys


def test_ranks_sort_within_each_project(client: Client, tasks: dict[str, Task]) -> None:
    viewer = client.as_("viewer")

    assert titles(viewer.get("tasks", sort="rank")) == ["cables", "backup", "report", "logo"]
    assert titles(viewer.get("tasks", sort="-rank")) == ["logo", "report", "backup", "cables"]
    assert titles(viewer.get("tasks", sort="rank", project="OPS,WEB")) == ["cables", "backup", "logo"]


# --- other lists


def test_users_have_the_tasks_and_counts_of_the_projects_but_room_over_all(
    client: Client, tasks: dict[str, Task], services: Services
) -> None:
    query = {"include": "tasks", "username": "ada"}
    (row,) = client.as_("viewer").get("users", project="ops", **query).json["items"]
    (everywhere,) = client.as_("viewer").get("users", **query).json["items"]

    assert [task["title"] for task in row["tasks"]] == ["cables"]
    assert (row["tasks_total"], row["counts"]["open"], row["counts"]["started"]) == (1, 1, 1)
    assert (everywhere["tasks_total"], everywhere["counts"]["started"]) == (3, 2)
    assert row["wip_room"] == everywhere["wip_room"] == services.policy.wip_limit - 2


def test_a_project_is_a_filter_of_users_only_with_their_tasks(client: Client) -> None:
    answer = client.as_("viewer").get("users", project="TASK")

    assert mistakes(answer, "malformed") == [("query.project", "not_allowed")]


def test_every_number_of_the_statistics_is_of_the_projects(
    client: Client, tasks: dict[str, Task], ada: User, services: Services, clock: Clock
) -> None:
    clock.advance(hours=1)
    services.tasks.change_status(tasks["logo"].id, status="completed", by=SYSTEM)
    viewer = client.as_("viewer")

    ops, web = (viewer.get("stats", project=key).json for key in ("OPS", "WEB"))

    assert {status: count for status, count in ops["by_status"].items() if count} == {
        "todo": 1, "in_progress": 1,
    }  # fmt: skip
    assert (sum(ops["by_priority"].values()), ops["overdue"], ops["per_day"][-1]["created"]) == (2, 1, 2)
    assert {row["username"] for row in ops["by_assignee"]} == {"ada", None}
    assert (ops["per_day"][-1]["completed"], ops["cycle_times"]["tasks"]) == (0, 0)
    assert (web["by_assignee"], web["overdue"]) == ([], 0)
    assert (web["per_day"][-1]["completed"], web["cycle_times"]["tasks"]) == (1, 1)


def test_labels_are_counted_in_the_projects_and_left_out_if_none_of_their_tasks_has_them(
    client: Client, tasks: dict[str, Task]
) -> None:
    def counts(**query: str) -> dict[str, int]:
        page = client.as_("viewer").get("labels", **query).json
        return {row["label"]: row["tasks"] for row in page["items"]}

    assert counts() == {"night": 1, "site": 3}
    assert counts(project="OPS") == {"night": 1, "site": 1}
    assert counts(project="WEB,TASK") == {"site": 2}


# --- the log


def log(client: Client, **query: str) -> list[tuple[str, str]]:
    """The kinds of the entries and the ids of their entities, oldest first."""
    items = client.as_("viewer").get("activity", **query).json["items"]
    return [(entry["kind"], entry["entity_id"]) for entry in reversed(items)]


def test_the_log_of_a_project_is_about_it_its_tasks_and_their_comments(
    client: Client, projects: dict[str, str], make_task: Callable[..., Task], services: Services
) -> None:
    task, _ = make_task(project="OPS"), make_task(project="WEB")
    comment = services.comments.create(task.id, text="Done.", by=SYSTEM)
    services.comments.change(task.id, comment.id, text="Done!", by=SYSTEM)
    services.comments.delete(task.id, comment.id, by=SYSTEM)
    services.tasks.bin(task.id, by=SYSTEM)
    services.projects.change("OPS", {"name": "Operations"}, by=SYSTEM)

    assert log(client, project="ops") == [
        ("project.created", projects["OPS"]),
        ("task.created", task.id),
        ("comment.created", comment.id),
        ("comment.changed", comment.id),
        ("comment.deleted", comment.id),
        ("task.binned", task.id),
        ("project.changed", projects["OPS"]),
    ]
    assert log(client, project="OPS", entity="project", kind="project.changed") == [
        ("project.changed", projects["OPS"])
    ]


def test_an_entry_stays_in_the_log_of_the_project_in_which_it_was_made(
    client: Client, projects: dict[str, str], make_task: Callable[..., Task], services: Services
) -> None:
    task = make_task(project="OPS")
    services.tasks.change(task.id, {"title": "Before"}, by=SYSTEM)
    services.tasks.change(task.id, {"project": "WEB"}, by=SYSTEM)
    services.tasks.change(task.id, {"title": "After"}, by=SYSTEM)

    ops, web, both = (log(client, project=keys, entity="task") for keys in ("OPS", "WEB", "OPS,WEB"))

    assert [kind for kind, _ in ops] == ["task.created", "task.edited", "task.moved"]
    assert [kind for kind, _ in web] == ["task.moved", "task.edited"]
    assert [kind for kind, _ in both] == ["task.created", "task.edited", "task.moved", "task.edited"]
