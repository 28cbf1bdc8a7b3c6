"""Tests tasks: they are created, read, changed, binned and restored, in the documented shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Client, mistakes, problem
from tests.factories import Clock

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
NOW = "2026-03-10T12:00:00.000Z"
KEYS = {
    "id", "key", "project", "rank", "title", "description", "status", "category", "priority", "due_date",
    "assignee_id", "labels",
    "parent_id", "blocked_by", "created_by", "created_at", "updated_at", "started_at", "completed_at",
    "status_changed_at", "reopen_count", "deleted_at", "version",
}  # fmt: skip


@pytest.fixture
def admin(client: Client) -> Client:
    return client.as_("admin")


@pytest.fixture
def member(client: Client) -> Client:
    return client.as_("member")


def test_a_new_task_has_every_key_and_the_defaults(member: Client) -> None:
    answer = member.post("tasks", {"title": "  Größe prüfen 🚀 "})

    task = answer.json
    assert answer.status_code == 201
    assert task.keys() == KEYS
    assert task == {
        "id": task["id"], "key": "TASK-1", "project": "TASK", "title": "Größe prüfen 🚀", "description": "",
        "status": "todo", "rank": "a2",
        "category": "unstarted", "priority": "medium", "due_date": None, "assignee_id": None, "labels": [],
        "parent_id": None, "blocked_by": [], "created_by": member.user.id, "created_at": NOW,
        "updated_at": NOW, "started_at": None, "completed_at": None, "status_changed_at": NOW,
        "reopen_count": 0, "deleted_at": None, "version": 1,
    }  # fmt: skip
    assert re.fullmatch("[0-9a-f]{24}", task["id"])
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert answer.content_type == "application/json"


def test_what_was_answered_is_what_is_read(member: Client) -> None:
    made = member.post("tasks", {"title": "x", "due_date": "2026-12-01", "labels": ["B", "a", "b"]})

    read = member.get(made.headers["Location"])

    assert read.json == made.json
    assert read.headers["ETag"] == made.headers["ETag"]
    assert read.json["labels"] == ["b", "a"]


def test_a_task_may_be_made_complete_in_one_call(
    client: Client, member: Client, make_task: Callable[..., Task]
) -> None:
    parent, blocker = make_task(title="Parent"), make_task(title="Blocker")
    given = {
        "title": "All", "description": "# Why\n\n\tBecause.", "status": "backlog", "priority": "urgent",
        "due_date": "2026-12-01T17:00:00.123Z", "assignee_id": member.user.id, "labels": ["x"],
        "parent_id": parent.id, "blocked_by": [blocker.id],
    }  # fmt: skip

    task = member.post("tasks", given).json

    assert {name: task[name] for name in given} == given


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01T17:00:00Z", "2026-12-01T17:00:00.000Z"),
        ("2026-12-01t17:00:00.5z", "2026-12-01T17:00:00.500Z"),
        ("2026-12-01T17:00:00+02:00", "2026-12-01T15:00:00.000Z"),
        ("2026-12-01 00:30:00.9999-01:30", "2026-12-01T02:00:00.999Z"),
        ("1970-01-01", "1970-01-01"),
        ("9999-12-30", "9999-12-30"),
    ],
)
def test_a_due_date_comes_back_in_its_form(given: str, answered: str, member: Client) -> None:
    assert member.post("tasks", {"title": "x", "due_date": given}).json["due_date"] == answered


def test_me_is_the_caller(member: Client) -> None:
    task = member.post("tasks", {"title": "x", "assignee_id": "me"}).json

    assert task["assignee_id"] == member.user.id
    assert member.put(f"tasks/{task['id']}/assignee", {"assignee_id": None}).json["assignee_id"] is None
    taken = member.put(f"tasks/{task['id']}/assignee", {"assignee_id": "me"})
    assert taken.json["assignee_id"] == member.user.id


def test_a_new_task_in_another_status_is_judged_as_a_move(member: Client) -> None:
    refused = member.post("tasks", {"title": "x", "status": "in_progress"})
    made = member.post("tasks", {"title": "x", "status": "in_progress", "assignee_id": "me"})

    assert [r["code"] for r in problem(refused, "refused")["reasons"]] == ["assignee_required"]
    assert (made.json["status"], made.json["category"], made.json["started_at"]) == (
        "in_progress",
        "started",
        NOW,
    )


def test_a_patch_changes_what_it_names_and_leaves_the_rest(
    member: Client, clock: Clock, nothing_changes: Callable[[], Any]
) -> None:
    task = member.post("tasks", {"title": "x", "description": "y", "due_date": "2026-12-01"}).json
    clock.advance(minutes=1)

    changed = member.patch(f"tasks/{task['id']}", {"title": "z", "due_date": None}).json

    later = "2026-03-10T12:01:00.000Z"
    assert changed == task | {"title": "z", "due_date": None, "updated_at": later, "version": 2}
    with nothing_changes():
        assert member.patch(f"tasks/{task['id']}", {}).json == changed


def test_a_task_goes_its_way_from_start_to_reopening(member: Client, clock: Clock) -> None:
    path = f"tasks/{member.post('tasks', {'title': 'x', 'assignee_id': 'me'}).json['id']}"

    def move(status: str, **more: Any) -> dict[str, Any]:
        clock.advance(hours=1)
        answer = member.put(f"{path}/status", {"status": status, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    started = move("in_progress")
    done = move("completed")
    again = move("in_progress", reason="Not done.")

    assert (started["started_at"], started["category"]) == ("2026-03-10T13:00:00.000Z", "started")
    assert (done["completed_at"], done["category"]) == ("2026-03-10T14:00:00.000Z", "completed")
    assert done["unblocked"] == []
    assert "unblocked" not in started
    assert (again["completed_at"], again["reopen_count"]) == (None, 1)
    assert again["started_at"] == started["started_at"]
    assert again["status_changed_at"] == "2026-03-10T15:00:00.000Z"


def test_a_completion_tells_what_it_unblocked(admin: Client, make_task: Callable[..., Task]) -> None:
    blocker = make_task(assignee_id=admin.user.id, status="in_progress")
    other = make_task()
    unblocked = make_task(blocked_by=[blocker.id])
    make_task(blocked_by=[blocker.id, other.id])

    answer = admin.put(f"tasks/{blocker.id}/status", {"status": "completed"})

    assert answer.json["unblocked"] == [unblocked.id]
    assert "unblocked" not in admin.get(f"tasks/{blocker.id}").json


def test_an_override_lifts_a_limit_for_managers_and_is_logged(
    client: Client, admin: Client, make_task: Callable[..., Task]
) -> None:
    kim = client.as_("member").user.id
    blocker = make_task()
    task = make_task(assignee_id=kim, blocked_by=[blocker.id])
    body = {"status": "in_progress", "override": True, "reason": "It is urgent."}

    problem(client.as_("member").put(f"tasks/{task.id}/status", body), "not_permitted")
    started = client.as_("manager").put(f"tasks/{task.id}/status", body)

    assert started.json["status"] == "in_progress"
    entry = admin.get(f"tasks/{task.id}/activity").json["items"][0]
    assert (entry["override"], entry["reason"]) == (True, "It is urgent.")


# --- relations


def test_blockers_are_added_and_removed_idempotently(admin: Client, make_task: Callable[..., Task]) -> None:
    task, blocker = make_task(), make_task()
    path = f"tasks/{task.id}/blocked-by/{blocker.id}"

    assert [admin.put(path).json["blocked_by"] for _ in range(2)] == [[blocker.id]] * 2
    assert admin.get(f"tasks/{task.id}").json["version"] == 2
    assert [admin.delete(path).json["blocked_by"] for _ in range(2)] == [[], []]
    assert admin.get(f"tasks/{task.id}").json["version"] == 3


def test_a_ring_of_blockers_is_refused(admin: Client, make_task: Callable[..., Task]) -> None:
    first, second = make_task(), make_task()
    admin.put(f"tasks/{first.id}/blocked-by/{second.id}")

    for blocked, blocker in ((second, first), (first, first)):
        refused = admin.put(f"tasks/{blocked.id}/blocked-by/{blocker.id}")
        assert [r["code"] for r in problem(refused, "refused")["reasons"]] == ["cycle"]


def test_a_blocker_in_the_bin_is_not_there_but_can_be_removed(
    admin: Client, make_task: Callable[..., Task]
) -> None:
    task, blocker, other = make_task(), make_task(), make_task()
    admin.put(f"tasks/{task.id}/blocked-by/{blocker.id}")
    admin.delete(f"tasks/{blocker.id}")

    problem(admin.put(f"tasks/{other.id}/blocked-by/{blocker.id}"), "not_found")
    assert admin.put(f"tasks/{task.id}/blocked-by/{blocker.id}").status_code == 200
    assert admin.delete(f"tasks/{task.id}/blocked-by/{blocker.id}").json["blocked_by"] == []


def test_a_patch_keeps_a_blocker_that_went_into_the_bin(
    admin: Client, make_task: Callable[..., Task]
) -> None:
    binned, other, task = make_task(), make_task(), make_task()
    admin.put(f"tasks/{task.id}/blocked-by/{binned.id}")
    admin.delete(f"tasks/{binned.id}")

    changed = admin.patch(f"tasks/{task.id}", {"blocked_by": [binned.id, other.id]})

    assert changed.json["blocked_by"] == [binned.id, other.id]


# --- the bin


def test_a_binned_task_is_nowhere_but_in_the_bin(admin: Client, make_task: Callable[..., Task]) -> None:
    task = make_task()

    binned = admin.delete(f"tasks/{task.id}")

    assert (binned.status_code, binned.json["deleted_at"], binned.headers["ETag"]) == (200, NOW, '"2"')
    for path in ("", "/transitions", "/activity", "/comments"):
        problem(admin.get(f"tasks/{task.id}{path}"), "not_found")
    for method, path, body in (
        ("PATCH", "", {"title": "x"}),
        ("PUT", "/status", {"status": "backlog"}),
        ("PUT", "/priority", {"priority": "low"}),
        ("PUT", "/assignee", {"assignee_id": None}),
    ):
        problem(admin.open(method, f"tasks/{task.id}{path}", body), "not_found")
    problem(admin.delete(f"tasks/{task.id}"), "not_found")
    assert admin.get("tasks").json["items"] == []
    assert [found["id"] for found in admin.get("tasks", bin="true").json["items"]] == [task.id]


def test_a_restored_task_is_as_it_was(admin: Client, make_task: Callable[..., Task]) -> None:
    task = make_task(labels=["x"])
    before = admin.get(f"tasks/{task.id}").json
    admin.delete(f"tasks/{task.id}")

    restored = admin.post(f"tasks/{task.id}/restore")

    assert (restored.status_code, restored.headers["ETag"]) == (200, '"3"')
    assert restored.json == before | {"version": 3}
    again = admin.post(f"tasks/{task.id}/restore")
    assert (again.status_code, again.json) == (200, restored.json)


def test_a_task_with_subtasks_is_not_binned(admin: Client, make_task: Callable[..., Task]) -> None:
    parent = make_task()
    subtask = make_task(parent_id=parent.id)

    (reason,) = problem(admin.delete(f"tasks/{parent.id}"), "refused")["reasons"]

    assert (reason["code"], reason["fix"]["task_ids"]) == ("has_subtasks", [subtask.id])


def test_restoring_takes_a_reason_and_an_override(
    client: Client, admin: Client, make_task: Callable[..., Task]
) -> None:
    kim = client.as_("member").user.id
    task = make_task(assignee_id=kim, status="in_progress")
    admin.delete(f"tasks/{task.id}")
    for _ in range(5):
        make_task(assignee_id=kim, status="in_progress")

    refused = admin.post(f"tasks/{task.id}/restore")
    restored = admin.post(f"tasks/{task.id}/restore", {"override": True, "reason": "Needed."})

    assert [r["code"] for r in problem(refused, "refused")["reasons"]] == ["wip_limit_reached"]
    assert restored.json["status"] == "in_progress"


# --- the log


def test_a_tasks_log_tells_who_did_what_newest_first(member: Client, clock: Clock) -> None:
    task = member.post("tasks", {"title": "x"}).json
    clock.advance(minutes=1)
    member.patch(f"tasks/{task['id']}", {"title": "y"})

    newest, oldest = member.get(f"tasks/{task['id']}/activity").json["items"]

    assert newest | {"id": "", "change_set": ""} == {
        "id": "", "at": "2026-03-10T12:01:00.000Z", "by": member.user.id, "change_set": "",
        "entity": "task", "entity_id": task["id"], "kind": "task.edited", "before": {"title": "x"},
        "after": {"title": "y"}, "reason": None, "override": False, "version": 2,
    }  # fmt: skip
    assert (oldest["kind"], oldest["version"]) == ("task.created", 1)
    assert MOMENT.fullmatch(oldest["at"])


def test_a_refused_command_is_not_logged(member: Client) -> None:
    task = member.post("tasks", {"title": "x"}).json
    member.put(f"tasks/{task['id']}/status", {"status": "completed"})

    assert len(member.get(f"tasks/{task['id']}/activity").json["items"]) == 1


@pytest.mark.parametrize("status", [{"status": "done"}, {}, {"status": None}])
def test_a_move_needs_a_status_of_the_workflow(
    status: dict[str, Any], admin: Client, make_task: Callable[..., Task]
) -> None:
    answer = admin.put(f"tasks/{make_task().id}/status", status)

    assert [place for place, _ in mistakes(answer, "invalid")] == ["body.status"]


# --- an assignee by name


@pytest.fixture
def ada(make_user: Callable[..., Any]) -> str:
    return str(make_user("ada").id)


def test_a_task_is_given_to_somebody_by_name(client: Client, ada: str) -> None:
    manager = client.as_("manager")
    made = manager.post("tasks", {"title": "Plan", "assignee_id": "Ada"}).json
    other = manager.post("tasks", {"title": "Other"}).json

    assigned = manager.put(f"tasks/{other['id']}/assignee", {"assignee_id": "ada"}).json
    again = manager.patch(f"tasks/{made['id']}", {"assignee_id": "ada"}).json

    assert made["assignee_id"] == assigned["assignee_id"] == ada
    assert again["version"] == made["version"]


def test_in_a_bulk_too(client: Client, ada: str) -> None:
    manager = client.as_("manager")
    task = manager.post("tasks", {"title": "Other"}).json["id"]
    operations = [
        {"op": "create", "title": "Plan", "assignee_id": "ada"},
        {"op": "assign", "id": task, "assignee_id": "ada"},
    ]
    assert manager.post("tasks/bulk", {"operations": operations}).status_code == 200
    by_query = {"where": {"assignee": "ada"}, "change": {"assignee_id": "manager"}, "expect": 2}
    assert manager.post("tasks/bulk", by_query).status_code == 200

    assigned = manager.get("tasks").json["items"]
    assert [task["assignee_id"] for task in assigned] == [manager.user.id] * 2


@pytest.mark.parametrize(
    ("given", "code"), [("nobody", "unknown_user"), ("none", "bad_id"), ("a", "bad_id"), ("a b", "bad_id")]
)
def test_an_assignee_whom_there_is_not_is_named(
    given: str, code: str, client: Client, nothing_changes: Callable[[], Any], make_task: Callable[..., Any]
) -> None:
    manager, task = client.as_("manager"), make_task().id
    with nothing_changes():
        for answer in (
            manager.post("tasks", {"title": "Plan", "assignee_id": given}),
            manager.put(f"tasks/{task}/assignee", {"assignee_id": given}),
            manager.patch(f"tasks/{task}", {"assignee_id": given}),
        ):
            assert mistakes(answer, "invalid") == [("body.assignee_id", code)]
