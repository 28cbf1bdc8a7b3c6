"""Tests that a rule gives the same refusal in `transitions`, in a single call and in a patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from tests.api.client import Client, problem

STATUSES = DEFAULT_POLICY.workflow.statuses
# The moves by which a new task comes into each status.
WAYS = {
    "backlog": ["backlog"],
    "todo": [],
    "in_progress": ["in_progress"],
    "in_review": ["in_progress", "in_review"],
    "completed": ["in_progress", "completed"],
    "cancelled": ["cancelled"],
}


def _plain(keys: dict[str, str], make_task: Callable[..., Task]) -> dict[str, Any]:
    return {"assignee_id": keys["kim"]}


def _blocked(keys: dict[str, str], make_task: Callable[..., Task]) -> dict[str, Any]:
    return {"assignee_id": keys["kim"], "blocked_by": [make_task(title="Blocker").id]}


def _with_subtask(keys: dict[str, str], make_task: Callable[..., Task]) -> dict[str, Any]:
    make_task(title="Subtask", parent_id=keys["task"])
    return {"assignee_id": keys["kim"]}


def _crowded(keys: dict[str, str], make_task: Callable[..., Task]) -> dict[str, Any]:
    for _ in range(DEFAULT_POLICY.wip_limit):
        make_task(title="Started", assignee_id=keys["kim"], status="in_progress")
    return {"assignee_id": keys["kim"]}


def _urgent(keys: dict[str, str], make_task: Callable[..., Task]) -> dict[str, Any]:
    for _ in range(DEFAULT_POLICY.urgent_limit):
        make_task(title="Fire", assignee_id=keys["kim"], priority="urgent", reason="Fire.")
    return {"assignee_id": keys["kim"], "blocked_by": [make_task(title="Blocker").id]}


SITUATIONS = {
    "plain": _plain,
    "blocked": _blocked,
    "with a subtask": _with_subtask,
    "crowded": _crowded,
    "urgent": _urgent,
}


@pytest.fixture
def admin(client: Client) -> Client:
    return client.as_("admin")


@pytest.fixture
def place(client: Client, admin: Client, make_task: Callable[..., Task]) -> Callable[[str, str], str]:
    """Puts a task into a situation and then, against all limits, into a status; answers its id."""

    def put(status: str, situation: str) -> str:
        kim, task = client.as_("manager").user.id, make_task()
        given = SITUATIONS[situation]({"kim": kim, "task": task.id}, make_task)
        for step in [given, *({"status": status} for status in WAYS[status])]:
            changed = admin.patch(f"tasks/{task.id}", {**step, "override": True, "reason": "To test it."})
            assert changed.status_code == 200, changed.text
        return task.id

    return put


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("status", STATUSES)
def test_what_stands_against_a_move_is_the_same_wherever_it_is_asked(
    status: str,
    situation: str,
    admin: Client,
    place: Callable[[str, str], str],
    nothing_changes: Callable[[], Any],
) -> None:
    task = place(status, situation)
    rows = admin.get(f"tasks/{task}/transitions").json["items"]

    with nothing_changes():
        for row in rows:
            # A reason takes away the one refusal that the list shows as `requires`.
            body = {"status": row["to"], "reason": "Because."}
            put = admin.put(f"tasks/{task}/status", body, dry_run="true")
            patched = admin.patch(f"tasks/{task}", body, dry_run="true")
            if row["allowed"]:
                assert (put.status_code, put.json["status"]) == (200, row["to"])
                assert patched.json == put.json
            else:
                assert problem(put, "refused")["reasons"] == row["reasons"]
                assert problem(patched, "refused")["reasons"] == row["reasons"]

    assert [row["to"] for row in rows] == list(STATUSES)


@pytest.mark.parametrize("status", STATUSES)
def test_a_move_that_requires_a_reason_is_refused_for_that_alone_without_one(
    status: str, admin: Client, place: Callable[[str, str], str], nothing_changes: Callable[[], Any]
) -> None:
    task = place(status, "plain")
    rows = admin.get(f"tasks/{task}/transitions").json["items"]
    needing_reason = [row for row in rows if row["allowed"] and row["requires"]]

    with nothing_changes():
        for row in needing_reason:
            refused = admin.put(f"tasks/{task}/status", {"status": row["to"]})
            assert [reason["code"] for reason in problem(refused, "refused")["reasons"]] == [
                "reason_required"
            ]
            assert row["requires"] == ["reason"]
    for row in rows:
        if row["allowed"] and not row["requires"]:
            assert admin.put(f"tasks/{task}/status", {"status": row["to"]}, dry_run="true").status_code == 200


@pytest.mark.parametrize("status", STATUSES)
def test_staying_is_allowed_and_changes_nothing(
    status: str, admin: Client, place: Callable[[str, str], str], nothing_changes: Callable[[], Any]
) -> None:
    task = place(status, "plain")
    (row,) = (r for r in admin.get(f"tasks/{task}/transitions").json["items"] if r["to"] == status)

    with nothing_changes():
        answer = admin.put(f"tasks/{task}/status", {"status": status})

    assert (row["allowed"], row["requires"], row["reasons"]) == (True, [], [])
    assert answer.status_code == 200


def test_several_reasons_are_told_at_once_in_the_order_of_the_rule_book(
    admin: Client, make_task: Callable[..., Task]
) -> None:
    blocker = make_task()
    task = make_task(status="backlog", blocked_by=[blocker.id])

    refused = admin.put(f"tasks/{task.id}/status", {"status": "in_progress"})

    reasons = problem(refused, "refused")["reasons"]
    assert [reason["code"] for reason in reasons] == [
        "transition_not_allowed",
        "assignee_required",
        "blocked_by_unfinished_tasks",
    ]
    assert [reason["fix"]["action"] for reason in reasons] == ["change_status", "assign", "resolve_blockers"]
    assert reasons[0]["fix"]["status"] == "todo"
    assert reasons[2]["fix"]["task_ids"] == [blocker.id]
    assert [reason["overridable"] for reason in reasons] == [False, False, True]


def test_who_may_not_move_a_task_is_told_so_for_every_move(
    client: Client, make_task: Callable[..., Task], nothing_changes: Callable[[], Any]
) -> None:
    task, member = make_task(), client.as_("member")

    with nothing_changes():
        for row in member.get(f"tasks/{task.id}/transitions").json["items"]:
            refused = member.put(f"tasks/{task.id}/status", {"status": row["to"], "reason": "Because."})
            assert not row["allowed"]
            assert [reason["code"] for reason in row["reasons"]] == ["not_permitted"]
            assert row["reasons"][0]["detail"] == problem(refused, "not_permitted")["detail"]


# --- the simple calls and the patch

SAME = {
    "status": ("status", {"status": "in_progress"}),
    "a status that it has": ("status", {"status": "todo"}),
    "a status that is not next": ("status", {"status": "completed"}),
    "a status without a reason": ("status", {"status": "cancelled"}),
    "priority": ("priority", {"priority": "low"}),
    "urgency without a due date": ("priority", {"priority": "urgent"}),
    "urgency with a reason": ("priority", {"priority": "urgent", "reason": "Fire."}),
    "an assignee": ("assignee", {"assignee_id": "{admin}"}),
    "oneself": ("assignee", {"assignee_id": "me"}),
    "nobody": ("assignee", {"assignee_id": None}),
    "an override without a reason": ("status", {"status": "in_progress", "override": True}),
    "a wrong status": ("status", {"status": "done"}),
    "a stale version": ("status", {"status": "in_progress", "version": 9}),
}


@pytest.mark.parametrize(("call", "given"), SAME.values(), ids=SAME)
@pytest.mark.parametrize("who", ["viewer", "member", "manager", "admin"])
def test_a_patch_is_answered_as_the_simple_call(
    call: str, given: dict[str, Any], who: str, client: Client, admin: Client, make_task: Callable[..., Task]
) -> None:
    task = make_task(assignee_id=client.as_("member").user.id)
    body = {name: admin.user.id if value == "{admin}" else value for name, value in given.items()}
    caller = client.as_(who)

    simple = caller.put(f"tasks/{task.id}/{call}", body, dry_run="true")
    patched = caller.patch(f"tasks/{task.id}", body, dry_run="true")

    assert patched.status_code == simple.status_code
    assert patched.json | {"request_id": None} == simple.json | {"request_id": None}


def test_one_patch_is_one_command_with_one_version_and_one_entry(
    client: Client, admin: Client, make_task: Callable[..., Task]
) -> None:
    kim, task = client.as_("manager").user.id, make_task()
    body = {"title": "New", "assignee_id": kim, "status": "in_progress", "priority": "high"}

    changed = admin.patch(f"tasks/{task.id}", body)
    log = admin.get(f"tasks/{task.id}/activity").json["items"]

    assert {name: changed.json[name] for name in body} == body
    assert changed.json["version"] == 2
    assert [(entry["kind"], entry["version"]) for entry in log] == [("task.changed", 2), ("task.created", 1)]
    assert log[0]["after"].keys() >= body.keys()


def test_the_refusals_of_all_fields_of_a_patch_are_collected(
    admin: Client, make_task: Callable[..., Task], nothing_changes: Callable[[], Any]
) -> None:
    task = make_task()

    with nothing_changes():
        answer = admin.patch(f"tasks/{task.id}", {"status": "in_progress", "priority": "urgent"})

    assert [reason["code"] for reason in problem(answer, "refused")["reasons"]] == [
        "assignee_required",
        "urgent_needs_due_date",
    ]
