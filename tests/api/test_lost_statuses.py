"""Tests tasks in a status that the policy does not define: no list and no command fails because of them.

The service does not start with such tasks. They appear while it runs: when a worker of the old
policy moves a task during a reload, or when somebody writes to the database by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from tests.api.client import Client, answered, mistakes, problem
from tests.api.operations import MORE, OPERATIONS, Operation, World
from tests.factories import SYSTEM

pytestmark = pytest.mark.slow

LOST = "triage"
LATE, SOON = (
    {"due_date": f"{at:%Y-%m-%d}T00:00:00Z", "due_at": at}
    for at in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))
)
TASKS = ("task", "other", "blocker", "binned")
REFUSED = (
    "The policy has no status triage. Give its tasks another status with `taskmgr db map-status triage NEW`."
)
# One of each parameter, and all that can be included.
LISTS = (
    "", "category=open", "category=closed", "category=started,completed", "status=todo,in_progress",
    "overdue=true", "overdue=false", "blocked=true", "blocked=false", "bin=true", "assignee=none",
    "priority=medium", "q=task", "total=true", "fields=id,category", "include=derived", "include=assignee",
    "include=derived,assignee&total=true", "limit=1", "sort=due_date", "sort=-status_changed_at",
)  # fmt: skip

Lose = Callable[..., None]


@pytest.fixture
def lose(database: Database[Any]) -> Lose:
    """Gives stored tasks a status that no policy has: `lose(id, …)`, or `lose()` for all."""

    def move(*task_ids: str) -> None:
        wanted = {"_id": {"$in": [ObjectId(i) for i in task_ids]}} if task_ids else {}
        assert database["tasks"].update_many(wanted, {"$set": {"status": LOST}}).matched_count

    return move


@pytest.fixture
def admin_client(client: Client) -> Client:
    return client.as_("admin")


def expected(operation: Operation, lost: Collection[str]) -> int | str:
    """A move out of the lost status is refused, and so is a start behind a blocker in one."""
    if "admin" not in operation.may:
        return operation.otherwise
    moves = operation.name == "change_status" and {"task", "blocker"} & set(lost)
    return "refused" if moves else operation.refused or operation.status


@pytest.mark.parametrize("operation", [*OPERATIONS, *MORE], ids=lambda operation: operation.name)
def test_every_operation_is_answered_where_all_tasks_have_lost_their_status(
    operation: Operation, admin_client: Client, world: World, lose: Lose
) -> None:
    lose()

    assert answered(world.ask(admin_client, operation)) == expected(operation, TASKS)


@pytest.mark.parametrize("lost", TASKS)
def test_every_operation_is_answered_where_one_task_has_lost_its_status(
    lost: str, admin_client: Client, world: World, lose: Lose
) -> None:
    lose(world[lost])

    for operation in (*OPERATIONS, *MORE):
        if operation.method == "GET":
            assert answered(world.ask(admin_client, operation)) == expected(operation, ()), operation.name
        elif operation.dry:
            answer = world.ask(admin_client, operation, dry_run="true")
            assert answered(answer) == expected(operation, [lost]), operation.name


@settings(max_examples=25)
@given(data=st.data())
def test_every_list_has_the_same_tasks_whichever_of_them_have_lost_their_status(
    data: st.DataObject, admin_client: Client, world: World, database: Database[Any]
) -> None:
    subsets = st.sets(st.sampled_from(TASKS)).map(lambda names: {world[name] for name in names})
    lost, late = data.draw(subsets), data.draw(subsets)
    for task_id in (world[name] for name in TASKS):
        state = {"status": LOST if task_id in lost else "todo"} | (LATE if task_id in late else SOON)
        database["tasks"].update_one({"_id": ObjectId(task_id)}, {"$set": state})

    def ids(query: str) -> set[str]:
        return {task["id"] for task in admin_client.get(f"tasks?{query}").json["items"]}

    everything = ids("")
    assert everything == {world[name] for name in TASKS if name != "binned"}
    assert ids("category=open") == everything - lost
    assert ids("category=closed") == set()
    assert ids("overdue=true") == everything & late - lost
    assert ids("overdue=false") == everything - (late - lost)
    assert ids("blocked=true") == {world["task"]}  # a blocker in a lost status is not completed
    for query in LISTS:
        answer = admin_client.get(f"tasks?{query}")
        assert answered(answer) == 200, query
        for task in answer.json["items"]:
            assert task["category"] == (None if task["id"] in lost else "unstarted")


def test_a_lost_status_is_shown_as_it_is_stored_with_null_for_its_category(
    admin_client: Client, world: World, lose: Lose, database: Database[Any]
) -> None:
    database["tasks"].update_many({}, {"$set": LATE})
    lose(world["task"])

    (listed,) = admin_client.get(f"tasks?id={world['task']}&include=derived").json["items"]
    single = admin_client.get(f"tasks/{world['task']}?include=derived").json
    (of_user,) = (u for u in admin_client.get("users?include=tasks").json["items"] if u["username"] == "ada")

    assert listed == single
    assert (single["status"], single["category"]) == (LOST, None)
    assert (single["overdue"], single["effective_priority"]) == (False, None)
    assert [task["id"] for task in of_user["tasks"]].count(world["task"]) == 1
    assert of_user["tasks_total"] == len(of_user["tasks"])


def test_numbers_count_a_lost_status_as_neither_open_nor_closed(
    admin_client: Client, world: World, lose: Lose
) -> None:
    before = admin_client.get("stats").json
    lose(world["task"])
    after = admin_client.get("stats").json

    assert after["by_status"] == before["by_status"] | {"todo": before["by_status"]["todo"] - 1}
    assert sum(after["by_priority"].values()) == sum(before["by_priority"].values()) - 1


def test_nothing_but_map_status_moves_a_task_out_of_a_lost_status(
    admin_client: Client, world: World, lose: Lose
) -> None:
    lose(world["task"])
    path = f"tasks/{world['task']}"

    for status in ("in_progress", "cancelled", "completed"):
        override = {"reason": "x", "override": True}
        body = problem(admin_client.put(f"{path}/status", {"status": status, **override}), "refused")
        assert (body["reasons"][0]["code"], body["reasons"][0]["detail"]) == (
            "transition_not_allowed",
            REFUSED,
        )
    transitions = admin_client.get(f"{path}/transitions").json["items"]
    assert not any(transition["allowed"] for transition in transitions)
    assert {t["reasons"][0]["detail"] for t in transitions} == {REFUSED}
    same = admin_client.patch(path, {"status": LOST})
    assert mistakes(same, "invalid") == [("body.status", "not_allowed")]


def test_all_other_changes_of_a_task_in_a_lost_status_work(
    admin_client: Client, world: World, lose: Lose, database: Database[Any], services: Services
) -> None:
    lose(world["task"])
    path = f"tasks/{world['task']}"
    changes: dict[str, Any] = {
        "title": "New", "labels": ["b"], "priority": "urgent", "due_date": "2026-12-01", "blocked_by": [],
        "assignee_id": world["other_user"], "parent_id": world["other"],
    }  # fmt: skip

    changed = admin_client.patch(path, changes)
    binned = admin_client.delete(path)
    restored = admin_client.post(f"{path}/restore")

    assert [answered(answer) for answer in (changed, binned, restored)] == [200, 200, 200]
    assert restored.json.items() >= (changes | {"status": LOST, "category": None}).items()
    found: list[str] = []
    inspect_database(database, services.policy, lambda _, __, detail: found.append(detail))
    assert f"1 task has the status 'triage', which is not in the policy: {world['task']}." in found


def test_a_task_keeps_its_place_among_the_others_when_its_status_is_lost(
    admin_client: Client, make_task: Callable[..., Task], lose: Lose, services: Services
) -> None:
    parent = make_task()
    child = make_task(parent_id=parent.id)
    lose(child.id)

    body = problem(admin_client.delete(f"tasks/{parent.id}"), "refused")
    assert [reason["code"] for reason in body["reasons"]] == ["has_subtasks"]

    services.tasks.change(child.id, {"parent_id": None}, by=SYSTEM)
    lose(parent.id)
    subtask = admin_client.post("tasks", {"title": "Below", "parent_id": parent.id})
    assert answered(subtask) == 201


def test_a_bulk_refuses_the_moves_alone(admin_client: Client, world: World, lose: Lose) -> None:
    lose(world["other"])
    operations = [
        {"op": "status", "id": world["other"], "status": "cancelled", "reason": "x"},
        {"op": "change", "id": world["other"], "title": "New"},
    ]

    answer = admin_client.post("tasks/bulk", {"operations": operations, "mode": "each"})

    assert answered(answer) == 200
    assert [result["status"] for result in answer.json["results"]] == [409, 200]


def test_the_document_says_that_a_category_may_be_null_and_a_status_any_text(client: Client) -> None:
    schemas = client.get("/openapi.json").json["components"]["schemas"]

    task = schemas["Task"]["properties"]
    assert task["category"]["anyOf"] == [{"$ref": "#/components/schemas/Category"}, {"type": "null"}]
    assert task["status"]["anyOf"] == [{"$ref": "#/components/schemas/Status"}, {"type": "string"}]
