"""Tests bulks: the same problems as single calls, in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.api.problems.codes import CODES
from taskmgr.api.schemas.task_queries import FILTERS
from taskmgr.domain.model.task import Task
from taskmgr.domain.services.bulk import MAX_OPERATIONS, OPERATIONS
from tests.api.client import Answer, Client, mistakes

BULK = "tasks/bulk"


@pytest.fixture
def admin_client(client: Client) -> Client:
    return client.as_("admin")


def codes(answer: Answer) -> list[Any]:
    return [r["problem"]["code"] if "problem" in r else r["status"] for r in answer.json["results"]]


def whole_problem(answer: Answer, code: str, member: str) -> dict[str, Any]:
    """The problem of an atomic bulk: it has what one of this code has anywhere, and `results`."""
    found: dict[str, Any] = answer.json
    assert (answer.status_code, found["code"]) == (CODES[code].status, code)
    assert found.keys() == {"type", "title", "status", "code", "detail", "request_id", member, "results"}
    return found


def create(title: str, **more: Any) -> dict[str, Any]:
    return {"op": "create", "title": title, **more}


def test_operations_are_performed_in_order_under_one_change_set(admin_client: Client) -> None:
    answer = admin_client.post(BULK, {"operations": [create("One"), create("Two", labels=["x"])]})

    assert answer.status_code == 200
    assert [(r["status"], r["version"]) for r in answer.json["results"]] == [(201, 1), (201, 1)]
    log = admin_client.get("activity", change_set=answer.json["change_set"]).json["items"]
    assert {entry["entity_id"] for entry in log} == {r["id"] for r in answer.json["results"]}


def test_every_kind_of_operation_does_what_its_single_call_does(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    task, other, binned = make_task(), make_task(), make_task()
    admin_client.delete(f"tasks/{binned.id}")
    operations = [
        create("New"),
        {"op": "change", "id": task.id, "title": "Changed", "reason": "why not"},
        {"op": "assign", "id": task.id, "assignee_id": "me"},
        {"op": "priority", "id": task.id, "priority": "high"},
        {"op": "block", "id": task.id, "blocker_id": other.id},
        {"op": "unblock", "id": task.id, "blocker_id": other.id},
        {"op": "status", "id": task.id, "status": "in_progress", "version": 6},
        {"op": "bin", "id": other.id},
        {"op": "restore", "id": binned.id},
        {"op": "rank", "id": task.id, "after": binned.id},
    ]
    assert {operation["op"] for operation in operations} == set(OPERATIONS)

    answer = admin_client.post(BULK, {"operations": operations})

    assert codes(answer) == [201, *[200] * 9]
    changed = admin_client.get(f"tasks/{task.id}").json
    assert (changed["title"], changed["status"], changed["priority"]) == ("Changed", "in_progress", "high")
    assert changed["assignee_id"] == admin_client.user.id
    assert admin_client.get(f"tasks/{other.id}").status_code == 404
    assert admin_client.get(f"tasks/{binned.id}").status_code == 200


def failing(task: Task) -> list[dict[str, Any]]:
    """Operations of which the first is good, and each other fails in its own way."""
    return [
        create("Good"),
        {"op": "status", "id": task.id, "status": "completed"},
        {"op": "bin", "id": "f" * 24},
        {"op": "bin", "id": task.id, "version": 9},
    ]


def test_an_atomic_bulk_in_which_something_is_refused_changes_nothing_and_tells_all(
    admin_client: Client, make_task: Callable[..., Task], nothing_changes: Callable[[], Any]
) -> None:
    operations = failing(make_task())

    with nothing_changes():
        answer = admin_client.post(BULK, {"operations": operations})

    assert codes(answer) == [424, "refused", "not_found", "stale"]
    assert answer.json["results"][0]["id"] is None
    refusal = answer.json["results"][1]["problem"]
    body = whole_problem(answer, "refused", "reasons")
    assert body["reasons"] == refusal["reasons"] != []
    assert body["detail"] == "3 of 4 operations failed; nothing was changed."


def test_an_atomic_bulk_that_fails_without_a_rule_has_no_reasons_but_its_results(
    client: Client, make_task: Callable[..., Task], nothing_changes: Callable[[], Any]
) -> None:
    member, task = client.as_("member"), make_task()
    operations = [{"op": "bin", "id": "f" * 24}, {"op": "bin", "id": task.id}]

    with nothing_changes():
        answer = member.post(BULK, {"operations": operations})

    assert codes(answer) == ["not_found", "not_permitted"]
    assert whole_problem(answer, "refused", "reasons")["reasons"] == []


def test_an_atomic_bulk_with_an_invalid_operation_is_invalid(
    admin_client: Client, nothing_changes: Callable[[], Any]
) -> None:
    operations = [create("Good"), create(""), {"op": "create"}, {"op": "explode"}, create("T", id="x")]

    with nothing_changes():
        answer = admin_client.post(BULK, {"operations": operations})

    assert codes(answer) == [424, "invalid", "invalid", "invalid", "invalid"]
    found = whole_problem(answer, "invalid", "errors")["errors"]
    assert [(e["location"], e["code"]) for e in found] == [
        ("body.operations.1.title", "blank"),
        ("body.operations.2.title", "required"),
        ("body.operations.3.op", "not_allowed"),
        ("body.operations.4.id", "unknown_field"),
    ]


@pytest.mark.parametrize("version", [True, "1", 0])
def test_binning_in_a_bulk_checks_the_version(
    version: Any, admin_client: Client, make_task: Callable[..., Task]
) -> None:
    operation = {"op": "bin", "id": make_task().id, "version": version}

    answer = admin_client.post(BULK, {"operations": [operation]})

    (error,) = whole_problem(answer, "invalid", "errors")["errors"]
    assert error["location"] == "body.operations.0.version"


def test_so_many_mistakes_are_told_of_a_bulk_and_no_more(admin_client: Client) -> None:
    wrong = [{"op": "change", **dict.fromkeys((f"key{n}" for n in range(200)), 1)}] * 20

    answer = admin_client.post(BULK, {"operations": wrong})

    body = whole_problem(answer, "invalid", "errors")
    assert len(body["errors"]) == 100
    assert {len(result["problem"]["errors"]) for result in body["results"]} == {21}  # `id` is missing, too


def test_a_change_by_query_that_is_invalid_is_told_once(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    make_task(), make_task()
    body = {"where": {}, "change": {"assignee_id": "f" * 24}, "expect": 2}

    answer = admin_client.post(BULK, body)

    assert codes(answer) == ["invalid", "invalid"]
    (error,) = whole_problem(answer, "invalid", "errors")["errors"]
    assert (error["location"], error["code"]) == ("body.change.assignee_id", "unknown_user")


def test_in_mode_each_every_operation_stands_for_itself(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    answer = admin_client.post(BULK, {"mode": "each", "operations": failing(make_task())})

    assert answer.status_code == 200
    assert codes(answer) == [201, "refused", "not_found", "stale"]
    assert admin_client.get(f"tasks/{answer.json['results'][0]['id']}").json["title"] == "Good"


def test_the_problem_of_an_operation_is_that_of_the_single_call(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    task = make_task()
    single = admin_client.put(f"tasks/{task.id}/status", {"status": "completed"}).json
    operation = {"op": "status", "id": task.id, "status": "completed"}

    answer = admin_client.post(BULK, {"mode": "each", "operations": [operation]})

    assert answer.json["results"][0]["problem"] | {"request_id": ""} == single | {"request_id": ""}


def test_later_operations_are_judged_by_what_earlier_ones_did(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    ids = [make_task().id for _ in range(6)]
    operations = [{"op": "change", "id": i, "assignee_id": "me", "status": "in_progress"} for i in ids]

    answer = admin_client.post(BULK, {"mode": "each", "operations": operations})

    assert codes(answer) == [200, 200, 200, 200, 200, "refused"]
    assert answer.json["results"][-1]["problem"]["reasons"][0]["code"] == "wip_limit_reached"


def test_each_operation_is_judged_by_the_callers_rights(
    client: Client, make_task: Callable[..., Task]
) -> None:
    task = make_task()

    answer = client.as_("member").post(
        BULK, {"mode": "each", "operations": [create("Mine"), {"op": "bin", "id": task.id}]}
    )

    assert codes(answer) == [201, "not_permitted"]


def test_a_dry_bulk_answers_alike_and_leaves_nothing(
    admin_client: Client, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        answer = admin_client.post(f"{BULK}?dry_run=true", {"operations": [create("One")]})

    assert answer.status_code == 200
    assert answer.headers["Dry-Run"] == "true"
    row = {"status": 201, "id": None, "key": None, "version": 1}
    assert answer.json == {"results": [row], "change_set": None}


def test_a_bulk_by_query_changes_every_task_that_matches(
    admin_client: Client, make_task: Callable[..., Task]
) -> None:
    chosen = [make_task(labels=["old"]).id for _ in range(3)]
    other = make_task()

    body = {"where": {"label": ["old"], "status": "todo"}, "change": {"priority": "high"}, "expect": 3}
    answer = admin_client.post(BULK, body)

    assert {r["id"] for r in answer.json["results"]} == set(chosen)
    assert admin_client.get("tasks", priority="high", total="true").json["total"] == 3
    assert admin_client.get(f"tasks/{other.id}").json["priority"] == "medium"


def test_a_bulk_by_query_that_matches_another_number_is_refused_with_the_actual_one(
    admin_client: Client, make_task: Callable[..., Task], nothing_changes: Callable[[], Any]
) -> None:
    make_task(labels=["old"])

    with nothing_changes():
        body = {"where": {"label": ["old"]}, "change": {"priority": "high"}, "expect": 2}
        answer = admin_client.post(BULK, body)

    assert (answer.status_code, answer.json["code"], answer.json["count"]) == (409, "unexpected_count", 1)


@pytest.mark.parametrize(
    ("body", "location", "code"),
    [
        ({}, "body.operations", "required"),
        ({"operations": []}, "body.operations", "out_of_range"),
        ({"operations": [1]}, "body.operations", "wrong_type"),
        ({"operations": [create("T")] * (MAX_OPERATIONS + 1)}, "body.operations", "out_of_range"),
        ({"operations": [create("T")], "expect": 1}, "body.expect", "not_allowed"),
        ({"operations": [create("T")], "mode": "some"}, "body.mode", "not_allowed"),
        ({"where": {}, "change": {}}, "body.expect", "required"),
        ({"where": {}, "change": {}, "expect": -1}, "body.expect", "out_of_range"),
        ({"where": {"state": "todo"}, "change": {}, "expect": 1}, "body.where.state", "unknown_field"),
        ({"where": {"status": 1}, "change": {}, "expect": 1}, "body.where.status", "wrong_type"),
        ({"where": {"limit": "5"}, "change": {}, "expect": 1}, "body.where.limit", "unknown_field"),
        ({"where": {}, "change": 1, "expect": 1}, "body.change", "wrong_type"),
    ],
)
def test_a_bulk_that_cannot_be_read_names_the_place(
    admin_client: Client, body: Any, location: str, code: str
) -> None:
    answer = admin_client.post(BULK, body)

    assert answer.status_code == 422
    assert (location, code) in [(e["location"], e["code"]) for e in answer.json["errors"]]


def test_all_mistakes_of_a_bulk_by_query_are_told_at_once(admin_client: Client) -> None:
    body = {
        "where": {"state": "todo", "status": "done", "blocked": True, "bin": "true"},
        "change": {"title": "", "colour": "red"},
        "mode": "some",
    }

    assert mistakes(admin_client.post(BULK, body), "invalid") == [
        ("body.change.colour", "unknown_field"),
        ("body.change.title", "blank"),
        ("body.expect", "required"),
        ("body.mode", "not_allowed"),
        ("body.where.bin", "unknown_field"),
        ("body.where.blocked", "wrong_type"),
        ("body.where.state", "unknown_field"),
        ("body.where.status", "not_allowed"),
    ]


def test_what_is_given_wrongly_is_not_told_to_be_missing(admin_client: Client) -> None:
    assert mistakes(admin_client.post(BULK, {"where": 1, "change": {}, "expect": "two"}), "invalid") == [
        ("body.expect", "wrong_type"),
        ("body.where", "wrong_type"),
    ]
    assert mistakes(admin_client.post(BULK, {"operations": 1}), "invalid") == [
        ("body.operations", "wrong_type")
    ]


def test_a_thousand_creates_are_one_bulk(admin_client: Client) -> None:
    operations = [create(f"Task {n}", assignee_id="me") for n in range(MAX_OPERATIONS)]

    answer = admin_client.post(BULK, {"operations": operations})

    assert set(codes(answer)) == {201}
    assert admin_client.get("tasks", total="true", limit="1").json["total"] == MAX_OPERATIONS


def test_a_bulk_may_be_four_mebibytes_long_and_no_longer(admin_client: Client) -> None:
    long = "x" * 20_000
    fits = [create("T", description=long)] * 200
    too_long = [create("T", description=long)] * 215

    assert admin_client.post(f"{BULK}?dry_run=true", {"operations": fits}).status_code == 200
    assert admin_client.post(BULK, {"operations": too_long}).status_code == 413


def test_a_label_in_where_may_be_text_or_a_list(admin_client: Client, make_task: Callable[..., Task]) -> None:
    make_task(labels=["old"])

    for label in ("old", ["old"]):
        body = {"where": {"label": label}, "change": {"priority": "high"}, "expect": 1}
        assert admin_client.post(BULK, body).status_code == 200


def test_an_unknown_filter_is_told_the_filters_that_there_are(admin_client: Client) -> None:
    answer = admin_client.post(BULK, {"where": {"state": "todo"}, "change": {}, "expect": 1})

    (error,) = answer.json["errors"]
    assert error["allowed"] == sorted({*FILTERS} - {"bin"})
