"""Tests projects: who creates and changes them, which one is the default, and what an archive is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.client import Client, mistakes, problem
from tests.factories import DEFAULT_PROJECT, NOW, Clock, an_id

DEFAULT = f"projects/{DEFAULT_PROJECT.id}"


@pytest.fixture
def manager(client: Client) -> Client:
    return client.as_("manager")


@pytest.fixture
def admin(client: Client) -> Client:
    return client.as_("admin")


@pytest.fixture
def ops(manager: Client) -> dict[str, Any]:
    """A project."""
    return dict(manager.post("projects", {"key": "OPS", "name": "Operations"}).json)


def test_a_new_project_has_every_key_and_the_defaults(manager: Client) -> None:
    answer = manager.post("projects", {"key": "ops2", "name": " Operations "})

    project = answer.json
    assert answer.status_code == 201
    assert project == {
        "id": project["id"], "key": "OPS2", "name": "Operations", "description": "", "default": False,
        "archived_at": None, "created_by": manager.user.id, "created_at": "2026-03-10T12:00:00.000Z",
        "updated_at": "2026-03-10T12:00:00.000Z", "version": 1,
    }  # fmt: skip
    assert answer.headers["Location"] == f"/api/v1/projects/{project['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert manager.get(answer.headers["Location"]).json == project


def test_a_dry_run_of_a_new_project_shows_it_without_an_id(
    manager: Client, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        answer = manager.post("projects", {"key": "OPS", "name": "Operations"}, dry_run="true")

    assert (answer.status_code, answer.headers["Dry-Run"]) == (201, "true")
    assert (answer.json["id"], answer.json["key"]) == (None, "OPS")
    assert "Location" not in answer.headers


def test_a_retry_of_a_new_project_gets_the_first_response(manager: Client) -> None:
    body, key = {"key": "OPS", "name": "Operations"}, {"Idempotency-Key": "once"}

    first = manager.post("projects", body, headers=key)
    again = manager.post("projects", body, headers=key)

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize("key", ["OPS", "ops", "oPs"])
def test_the_key_of_a_project_is_taken_in_any_case(
    key: str, dry_run: str, manager: Client, ops: dict[str, Any], nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        answer = manager.post("projects", {"key": key, "name": "Other"}, dry_run=dry_run)

    assert problem(answer, "project_key_taken")["detail"] == "The project key OPS is taken."


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "bad_project_key"),
        ("O", "bad_project_key"),
        ("O2345678901", "bad_project_key"),
        ("1OPS", "bad_project_key"),
        ("OPS-1", "bad_project_key"),
        (" OPS", "bad_project_key"),
        ("OPS\n", "bad_project_key"),
        ("O PS", "bad_project_key"),
        ("OPſ", "bad_project_key"),
        ("OPı", "bad_project_key"),
        ("ОPS", "bad_project_key"),  # its first letter is Cyrillic
        ("OP１", "bad_project_key"),
        (None, "null"),
        (17, "wrong_type"),
        (["OPS"], "wrong_type"),
    ],
)
def test_a_project_key_is_a_letter_and_one_to_nine_letters_and_digits(
    key: Any, code: str, manager: Client, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        answer = manager.post("projects", {"key": key, "name": "Other"})

    assert mistakes(answer, "invalid") == [("body.key", code)]


@pytest.mark.parametrize("key", ["OP", "O234567890", "A1"])
def test_the_shortest_and_the_longest_key_are_accepted(key: str, manager: Client) -> None:
    assert manager.post("projects", {"key": key, "name": "Other"}).json["key"] == key


def test_a_new_project_needs_a_key_and_a_name(manager: Client) -> None:
    assert mistakes(manager.post("projects", {}), "invalid") == [
        ("body.key", "required"),
        ("body.name", "required"),
    ]


@pytest.mark.parametrize("reference", ["OPS", "ops", "oPs"])
def test_a_project_is_found_by_its_key_in_any_case(
    reference: str, client: Client, ops: dict[str, Any]
) -> None:
    answer = client.as_("viewer").get(f"projects/{reference}")

    assert (answer.json, answer.headers["ETag"]) == (ops, '"1"')


@pytest.mark.parametrize("reference", [an_id(), "WEB", "OPS-1", "OPſ", "%20OPS", "null", "0", "me", "$ne"])
def test_an_unknown_project_is_not_found(reference: str, manager: Client, ops: dict[str, Any]) -> None:
    for answer in (manager.get(f"projects/{reference}"), manager.patch(f"projects/{reference}", {})):
        problem(answer, "not_found")


def test_projects_are_listed_by_key_page_by_page(client: Client, manager: Client) -> None:
    for key in ("WEB", "ops", "A1"):
        manager.post("projects", {"key": key, "name": key})
    viewer = client.as_("viewer")

    first = viewer.get("projects", limit="3", total="true").json
    second = viewer.get("projects", limit="3", cursor=first["next"]).json

    assert [project["key"] for project in first["items"]] == ["A1", "OPS", "TASK"]
    assert first["total"] == 4
    assert [project["key"] for project in second["items"]] == ["WEB"]
    assert second["next"] is None


def test_a_list_can_be_limited_to_projects_that_are_archived_or_not(
    manager: Client, ops: dict[str, Any]
) -> None:
    manager.patch("projects/OPS", {"archived": True})

    def keys(**query: str) -> list[str]:
        return [project["key"] for project in manager.get("projects", **query).json["items"]]

    assert (keys(archived="true"), keys(archived="false"), keys()) == (["OPS"], ["TASK"], ["OPS", "TASK"])
    cursor = manager.get("projects", limit="1").json["next"]
    assert mistakes(manager.get("projects", archived="true", cursor=cursor), "malformed")


def test_an_unchanged_list_is_not_modified_and_a_changed_one_is(manager: Client, ops: dict[str, Any]) -> None:
    seen = {"If-None-Match": manager.get("projects").headers["ETag"]}

    assert manager.get("projects", headers=seen).status_code == 304
    manager.patch("projects/OPS", {"name": "Operations and support"})
    assert manager.get("projects", headers=seen).status_code == 200


def test_a_patch_changes_the_fields_that_it_names(manager: Client, ops: dict[str, Any], clock: Clock) -> None:
    clock.advance(hours=1)

    answer = manager.patch("projects/ops", {"name": "Support", "description": "# What it is"})

    expected = {"name": "Support", "description": "# What it is", "version": 2}
    assert answer.json == ops | expected | {"updated_at": "2026-03-10T13:00:00.000Z"}
    assert answer.headers["ETag"] == '"2"'
    assert manager.patch("projects/ops", {"description": None}).json["description"] == ""


@pytest.mark.parametrize("body", [{}, {"name": "Operations"}, {"archived": False}, {"description": None}])
def test_a_patch_that_makes_no_difference_writes_nothing(
    body: dict[str, Any], manager: Client, ops: dict[str, Any], nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        assert manager.patch("projects/OPS", body).json == ops


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"key": "WEB"}, "unknown_field"),
        ({"is_default": True}, "unknown_field"),
        ({"archived_at": "2026-03-10T12:00:00Z"}, "unknown_field"),
        ({"name": None}, "null"),
        ({"name": " "}, "blank"),
        ({"name": "x" * 101}, "too_long"),
        ({"description": "x" * 20_001}, "too_long"),
        ({"archived": None}, "null"),
        ({"archived": "true"}, "wrong_type"),
        ({"default": None}, "null"),
        ({"default": False}, "not_allowed"),
        ({"default": 1}, "wrong_type"),
    ],
)
def test_a_value_that_is_not_acceptable_changes_nothing(
    body: dict[str, Any],
    code: str,
    admin: Client,
    ops: dict[str, Any],
    nothing_changes: Callable[[], Any],
) -> None:
    with nothing_changes():
        answer = admin.patch("projects/OPS", body)

    assert mistakes(answer, "invalid") == [(f"body.{next(iter(body))}", code)]


def test_a_stale_version_is_answered_with_the_current_project(manager: Client, ops: dict[str, Any]) -> None:
    manager.patch("projects/OPS", {"name": "Support"})
    current = manager.get("projects/OPS").json

    for how in ({"headers": {"If-Match": '"1"'}}, {}):
        body = {"name": "x"} if how else {"name": "x", "version": 1}
        assert problem(manager.patch("projects/OPS", body, **how), "stale")["current"] == current


# --- the default


def test_an_admin_chooses_the_default_project(admin: Client, ops: dict[str, Any]) -> None:
    answer = admin.patch("projects/OPS", {"default": True})

    assert answer.json["default"] is True
    assert admin.get(DEFAULT).json["default"] is False
    assert admin.post("tasks", {"title": "Order the cables"}).json["key"] == "OPS-1"


def test_a_manager_does_not_choose_the_default_project(
    manager: Client, ops: dict[str, Any], nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        problem(manager.patch("projects/OPS", {"default": True}), "not_permitted")


def test_the_default_project_cannot_be_archived(admin: Client, nothing_changes: Callable[[], Any]) -> None:
    with nothing_changes():
        refused = admin.patch(DEFAULT, {"archived": True})

    assert problem(refused, "refused")["reasons"] == [
        {
            "code": "default_project",
            "detail": "TASK is the default project, which cannot be archived.",
            "fix": {"action": "choose_default_project", "text": "Make another project the default first."},
            "overridable": False,
        }
    ]


def test_an_archived_project_cannot_become_the_default(
    admin: Client, ops: dict[str, Any], nothing_changes: Callable[[], Any]
) -> None:
    admin.patch("projects/OPS", {"archived": True})

    with nothing_changes():
        refused = admin.patch("projects/OPS", {"default": True})

    assert [reason["code"] for reason in problem(refused, "refused")["reasons"]] == ["default_project"]
    unarchived = admin.patch("projects/OPS", {"archived": False, "default": True})
    assert (unarchived.json["default"], unarchived.json["archived_at"]) == (True, None)


# --- the archive


@pytest.fixture
def archived_task(manager: Client, ops: dict[str, Any], clock: Clock) -> str:
    """The key of a task in a project that has been archived since."""
    key = manager.post("tasks", {"title": "Order the cables", "project": "OPS"}).json["key"]
    archived = manager.patch("projects/OPS", {"archived": True})
    assert archived.json["archived_at"] == clock.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(key)


def test_a_project_keeps_the_time_at_which_it_was_archived(
    manager: Client, archived_task: str, clock: Clock
) -> None:
    clock.advance(hours=1)

    assert manager.patch("projects/OPS", {"archived": True}).json["archived_at"] == "2026-03-10T12:00:00.000Z"
    assert NOW.isoformat() == "2026-03-10T12:00:00+00:00"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "tasks", {"title": "x", "project": "ops"}),
        ("PATCH", "tasks/{}", {"title": "x"}),
        ("PUT", "tasks/{}/status", {"status": "cancelled", "reason": "x"}),
        ("PUT", "tasks/{}/priority", {"priority": "high"}),
        ("PUT", "tasks/{}/assignee", {"assignee_id": "me"}),
        ("DELETE", "tasks/{}", None),
        ("PATCH", "tasks/TASK-1", {"project": "OPS"}),
    ],
)
def test_an_archived_project_takes_no_tasks_and_keeps_its_own_as_they_are(
    method: str,
    path: str,
    body: dict[str, Any] | None,
    manager: Client,
    archived_task: str,
    nothing_changes: Callable[[], Any],
) -> None:
    manager.post("tasks", {"title": "In the default project"})
    how = {} if body is None else {"body": body}

    with nothing_changes():
        refused = manager.open(method, path.format(archived_task), **how)

    (reason,) = problem(refused, "refused")["reasons"]
    assert (reason["code"], reason["fix"]["action"], reason["fix"]["project"]) == (
        "project_archived",
        "unarchive_project",
        "OPS",
    )


def test_a_task_leaves_an_archived_project(manager: Client, archived_task: str) -> None:
    moved = manager.patch(f"tasks/{archived_task}", {"project": "TASK"})

    assert (moved.status_code, moved.json["project"], moved.json["key"]) == (200, "TASK", "TASK-1")


def test_a_task_changes_again_once_its_project_has_left_the_archive(
    manager: Client, archived_task: str
) -> None:
    manager.patch("projects/OPS", {"archived": False})

    assert manager.patch(f"tasks/{archived_task}", {"title": "x"}).status_code == 200


# --- the log


def test_the_log_has_an_entry_for_every_change_of_a_project(admin: Client, ops: dict[str, Any]) -> None:
    admin.patch("projects/OPS", {"default": True})

    for reference in (ops["id"], "OPS", "ops"):
        entries = admin.get("activity", entity="project", entity_id=reference).json["items"]
        assert [(entry["kind"], entry["entity_id"], entry["version"]) for entry in entries] == [
            ("project.changed", ops["id"], 2),
            ("project.created", ops["id"], 1),
        ]
        assert (entries[0]["before"], entries[0]["after"]) == ({"is_default": False}, {"is_default": True})
    (other,) = admin.get("activity", entity_id=DEFAULT_PROJECT.id).json["items"]
    assert (other["kind"], other["after"]) == ("project.changed", {"is_default": False})
