"""Tests operations of a bulk that refer to a task that an earlier operation of it creates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.task import Task
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk_results import BulkRefused
from tests.api.client import Answer, Client
from tests.factories import SYSTEM

BULK = "tasks/bulk"
CHAIN = [
    {"op": "create", "ref": "party", "title": "Party"},
    {"op": "create", "ref": "cake", "title": "Order the cake", "parent_id": "ref:party"},
    {"op": "create", "ref": "fetch", "title": "Fetch it", "blocked_by": ["ref:cake"]},
    {"op": "change", "id": "ref:fetch", "parent_id": "ref:party", "labels": ["cake"]},
    {"op": "block", "id": "ref:party", "blocker_id": "ref:fetch"},
    {"op": "unblock", "id": "ref:party", "blocker_id": "ref:fetch"},
    {"op": "bin", "id": "ref:party"},
]


@pytest.fixture
def admin_client(client: Client) -> Client:
    return client.as_("admin")


def statuses(answer: Answer) -> list[int]:
    return [row["status"] for row in answer.json["results"]]


def errors(answer: Answer) -> list[tuple[str, str]]:
    return [(error["location"], error["code"]) for error in answer.json["errors"]]


def test_references_stand_for_ids_wherever_a_task_is_named(admin_client: Client) -> None:
    answer = admin_client.post(BULK, {"operations": CHAIN[:4]})

    assert statuses(answer) == [201, 201, 201, 200]
    party, cake, fetch, changed = (row["id"] for row in answer.json["results"])
    assert changed == fetch
    assert admin_client.get(f"tasks/{cake}").json["parent_id"] == party
    fetched = admin_client.get(f"tasks/{fetch}").json
    assert (fetched["parent_id"], fetched["blocked_by"], fetched["labels"]) == (party, [cake], ["cake"])


def test_the_rules_see_the_tasks_behind_references(admin_client: Client) -> None:
    blocking = {"op": "block", "id": "ref:cake", "blocker_id": "ref:fetch"}
    answer = admin_client.post(BULK, {"mode": "each", "operations": [*CHAIN[:3], blocking]})

    assert statuses(answer) == [201, 201, 201, 409]
    (reason,) = answer.json["results"][3]["problem"]["reasons"]
    assert reason["code"] == "cycle"


@pytest.mark.parametrize("mode", ["atomic", "each"])
@pytest.mark.parametrize(
    ("operations", "location"),
    [
        ([{"op": "bin", "id": "ref:b"}], "1.id"),
        ([{"op": "create", "title": "B", "parent_id": "ref:B"}], "1.parent_id"),
        ([{"op": "block", "id": "ref:a", "blocker_id": "ref:"}], "1.blocker_id"),
        ([{"op": "create", "title": "B", "blocked_by": ["ref:a", "ref:no"]}], "1.blocked_by.1"),
        ([{"op": "create", "title": "B", "ref": "b", "parent_id": "ref:b"}], "1.parent_id"),
        ([{"op": "bin", "id": "ref:b"}, {"op": "create", "title": "B", "ref": "b"}], "1.id"),
    ],
)
def test_a_reference_to_no_earlier_create_is_a_mistake_at_its_place(
    admin_client: Client, mode: str, operations: list[dict[str, Any]], location: str
) -> None:
    first = {"op": "create", "ref": "a", "title": "A"}
    answer = admin_client.post(BULK, {"mode": mode, "operations": [first, *operations]})

    problem = answer.json if mode == "atomic" else answer.json["results"][1]["problem"]
    assert problem["code"] == "invalid"
    (error,) = problem["errors"]
    place = f"body.operations.{location}" if mode == "atomic" else f"body.{location[2:]}"
    assert (error["location"], error["code"]) == (place, "unknown_ref")


def test_a_later_operation_is_named_in_the_mistake(admin_client: Client) -> None:
    operations = [{"op": "bin", "id": "ref:b"}, {"op": "create", "title": "B", "ref": "b"}]
    answer = admin_client.post(BULK, {"operations": operations})

    detail = "operations.1 has the ref b; only a later operation can refer to it."
    assert answer.json["errors"][0]["detail"] == detail


@pytest.mark.parametrize("ref", ["", "a b", "ä", "a" * 65, "a\n", 7, ["a"], {}])
def test_a_ref_is_a_short_name(admin_client: Client, ref: object) -> None:
    answer = admin_client.post(BULK, {"operations": [{"op": "create", "title": "A", "ref": ref}]})
    assert errors(answer) == [("body.operations.0.ref", "bad_ref")]


def test_a_repeated_ref_is_a_mistake_and_the_first_one_holds(admin_client: Client) -> None:
    again = {"op": "create", "ref": "party", "title": "Another"}
    answer = admin_client.post(BULK, {"operations": [CHAIN[0], again, CHAIN[1]]})
    assert errors(answer) == [("body.operations.1.ref", "repeated")]

    answer = admin_client.post(BULK, {"mode": "each", "operations": [CHAIN[0], again, CHAIN[1]]})
    assert statuses(answer) == [201, 422, 201]
    party, _, cake = answer.json["results"]
    assert admin_client.get(f"tasks/{cake['id']}").json["parent_id"] == party["id"]


def test_only_a_create_has_a_ref(admin_client: Client, make_task: Callable[..., Task]) -> None:
    answer = admin_client.post(BULK, {"operations": [{"op": "bin", "id": make_task().id, "ref": "a"}]})
    assert errors(answer) == [("body.operations.0.ref", "unknown_field")]


def test_what_refers_to_a_failed_create_fails_too_and_says_so(admin_client: Client) -> None:
    operations = [
        {"op": "create", "ref": "a", "title": "A", "status": "in_progress"},
        {"op": "create", "ref": "b", "title": "B", "parent_id": "ref:a"},
        {"op": "bin", "id": "ref:b"},
        {"op": "create", "title": "C"},
    ]
    answer = admin_client.post(BULK, {"mode": "each", "operations": operations})

    assert statuses(answer) == [409, 424, 424, 201]
    problems = [row["problem"] for row in answer.json["results"][1:3]]
    assert [problem["code"] for problem in problems] == ["dependency_failed"] * 2
    assert [problem["detail"] for problem in problems] == [
        "ref:a refers to operations.0, which failed.",
        "ref:b refers to operations.1, which failed.",
    ]


def test_an_atomic_bulk_answers_with_the_failure_itself(admin_client: Client) -> None:
    failing = {"op": "create", "ref": "a", "title": "A", "status": "in_progress"}
    answer = admin_client.post(BULK, {"operations": [failing, {"op": "bin", "id": "ref:a"}]})

    assert (answer.status_code, answer.json["code"]) == (409, "refused")
    assert [reason["code"] for reason in answer.json["reasons"]] == ["assignee_required"]
    assert [row["problem"]["code"] for row in answer.json["results"]] == ["refused", "dependency_failed"]


@pytest.mark.parametrize("mode", ["atomic", "each"])
def test_a_dry_run_shows_no_id_of_a_task_that_is_not_kept(admin_client: Client, mode: str) -> None:
    answer = admin_client.post(BULK, {"mode": mode, "operations": CHAIN[:6]}, dry_run="true")

    assert statuses(answer) == [201, 201, 201, 200, 200, 200]
    assert {row["id"] for row in answer.json["results"]} == {None}
    assert admin_client.get("tasks").json["items"] == []


def test_an_undone_bulk_shows_no_id_of_a_task_that_is_not_kept(admin_client: Client) -> None:
    operations = [*CHAIN[:2], {"op": "change", "id": "ref:cake", "labels": ["x"]}, {"op": "bin", "id": "no"}]
    answer = admin_client.post(BULK, {"operations": operations})

    assert statuses(answer) == [424, 424, 424, 404]
    assert [row["id"] for row in answer.json["results"][:3]] == [None] * 3


UNKEPT = [
    {"op": "create", "ref": "cake", "title": "Order the cake"},
    {"op": "create", "title": "Eat", "ref": "eat", "blocked_by": ["ref:cake"], "assignee_id": "me"},
    {"op": "status", "id": "ref:eat", "status": "in_progress"},
    {"op": "bin", "id": "ref:cake"},
    {"op": "priority", "id": "ref:cake", "priority": "high"},
]


@pytest.mark.parametrize(("mode", "dry_run"), [("each", "true"), ("atomic", "true"), ("atomic", "false")])
def test_a_problem_names_a_task_that_is_not_kept_by_its_reference(
    admin_client: Client, mode: str, dry_run: str
) -> None:
    answer = admin_client.post(BULK, {"mode": mode, "operations": UNKEPT}, dry_run=dry_run)

    _, _, blocked, _, missing = answer.json["results"]
    (reason,) = blocked["problem"]["reasons"]
    assert reason["detail"] == "The task is blocked by an unfinished task: ref:cake (Order the cake)."
    assert reason["fix"]["task_ids"] == ["ref:cake"]
    assert missing["problem"]["detail"] == "There is no task 'ref:cake'."
    assert answer.json.get("reasons", [reason]) == [reason]


def test_a_problem_names_a_task_that_is_not_kept_and_has_no_reference_by_its_operation(
    admin_client: Client,
) -> None:
    started = [{"op": "create", "title": "T", "assignee_id": "me", "status": "in_progress"} for _ in range(6)]
    answer = admin_client.post(BULK, {"operations": started})

    (reason,) = answer.json["reasons"]
    assert reason["code"] == "wip_limit_reached"
    assert sorted(reason["fix"]["task_ids"]) == [f"operations.{number}" for number in range(5)]


def test_a_problem_names_a_task_that_is_kept_by_its_key_and_title(admin_client: Client) -> None:
    answer = admin_client.post(BULK, {"mode": "each", "operations": UNKEPT[:3]})

    cake, _, blocked = answer.json["results"]
    (reason,) = blocked["problem"]["reasons"]
    name = f"{cake['key']} (Order the cake)"
    assert reason["detail"] == f"The task is blocked by an unfinished task: {name}."
    assert reason["fix"]["task_ids"] == [cake["id"]]


def test_a_retry_with_the_same_key_gets_the_same_tasks(admin_client: Client) -> None:
    headers = {"Idempotency-Key": "party"}
    first = admin_client.post(BULK, {"operations": CHAIN[:3]}, headers=headers)
    again = admin_client.post(BULK, {"operations": CHAIN[:3]}, headers=headers)

    assert again.json == first.json
    assert len(admin_client.get("tasks").json["items"]) == 3


def test_a_bulk_by_query_knows_no_references(services: Services, make_task: Callable[..., Task]) -> None:
    make_task()
    with pytest.raises(BulkRefused) as caught:
        services.bulk.change_where(TaskQuery(), {"parent_id": "ref:a"}, expect=1, by=SYSTEM)
    assert [(error.location, error.code) for error in caught.value.errors] == [("change.parent_id", "bad_id")]


def test_a_single_command_knows_no_references(services: Services) -> None:
    with pytest.raises(Invalid):
        services.tasks.create(title="A", parent_id="ref:a", by=SYSTEM)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_script_refers_to_tasks_in_lists_and_tuples(services: Services, kind: Callable[[Any], Any]) -> None:
    operations: list[Any] = [*CHAIN[:2], {"op": "create", "title": "C", "blocked_by": kind(["ref:cake"])}]
    _, cake, third = (result.task for result in services.bulk.run(operations, by=SYSTEM).results)
    assert cake is not None
    assert third is not None
    assert third.blocked_by == (cake.id,)
