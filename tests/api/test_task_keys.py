"""Tests that a task's key leads to the same response as its id, in every operation and in any case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from taskmgr.domain.services import Services
from tests.api.client import Answer, Client, mistakes, problem
from tests.api.operations import MORE, OPERATIONS, Operation, World
from tests.factories import SYSTEM, an_id

pytestmark = pytest.mark.slow

TASKS = ("task", "other", "blocker", "binned")
IN_TEXTS = tuple(f"{{{name}}}" for name in TASKS)


def _row(name: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Operation:
    is_write = method != "GET"
    return Operation(name=name, method=method, path=path, body=body, scopes=(), dry=is_write)


def _bulk(**operation: Any) -> dict[str, Any]:
    return {"mode": "each", "operations": [operation]}


# Requests with a task in the query or in the body, and those of a bulk.
REFERENCES = (
    _row("list_tasks, by id", "GET", "tasks?id={task},{other}"),
    _row("list_tasks, by parent", "GET", "tasks?parent={other},none"),
    _row("list_tasks, by blocker", "GET", "tasks?blocked_by={blocker}"),
    _row("list_tasks, in the bin", "GET", "tasks?bin=true&id={binned}"),
    _row("list_tasks_of_user, by id", "GET", "users/{user}/tasks?id={task}"),
    _row("list_activity, of a task", "GET", "activity?entity_id={task}"),
    _row("list_activity, of a task in the bin", "GET", "activity?entity=task&entity_id={binned}"),
    _row("create_task, a subtask", "POST", "tasks", {"title": "x", "parent_id": "{task}"}),
    _row("create_task, waiting", "POST", "tasks", {"title": "x", "blocked_by": ["{task}", "{other}"]}),
    _row("change_task, its parent", "PATCH", "tasks/{task}", {"parent_id": "{other}"}),
    _row("change_task, its blockers", "PATCH", "tasks/{task}", {"blocked_by": ["{other}", "{blocker}"]}),
    _row("change_task, a cycle", "PATCH", "tasks/{blocker}", {"blocked_by": ["{task}"]}),
    _row("change_task, itself", "PATCH", "tasks/{task}", {"parent_id": "{task}"}),
    _row("change_task, its status and rank", "PATCH", "tasks/{task}",
         {"status": "in_progress", "rank": {"before": "{other}"}}),
    _row("rank, before", "PUT", "tasks/{task}/rank", {"before": "{other}"}),
    _row("rank, after", "PUT", "tasks/{other}/rank", {"after": "{task}"}),
    _row("perform, rank", "POST", "tasks/bulk", _bulk(op="rank", id="{task}", after="{other}")),
    _row("perform, create", "POST", "tasks/bulk",
         _bulk(op="create", title="x", parent_id="{task}", blocked_by=["{other}"])),
    _row("perform, change", "POST", "tasks/bulk", _bulk(op="change", id="{task}", blocked_by=["{other}"])),
    _row("perform, status", "POST", "tasks/bulk", _bulk(op="status", id="{task}", status="in_progress")),
    _row("perform, priority", "POST", "tasks/bulk", _bulk(op="priority", id="{task}", priority="high")),
    _row("perform, assign", "POST", "tasks/bulk", _bulk(op="assign", id="{task}", assignee_id="me")),
    _row("perform, bin", "POST", "tasks/bulk", _bulk(op="bin", id="{task}")),
    _row("perform, restore", "POST", "tasks/bulk", _bulk(op="restore", id="{binned}")),
    _row("perform, block", "POST", "tasks/bulk", _bulk(op="block", id="{task}", blocker_id="{other}")),
    _row("perform, unblock", "POST", "tasks/bulk", _bulk(op="unblock", id="{task}", blocker_id="{blocker}")),
    _row("perform, by id", "POST", "tasks/bulk",
         {"where": {"id": "{task}"}, "change": {"parent_id": "{other}"}, "expect": 1}),
    _row("perform, by blocker", "POST", "tasks/bulk",
         {"where": {"blocked_by": "{blocker}"}, "change": {"blocked_by": ["{other}"]}, "expect": 1}),
)  # fmt: skip


def _tasks_in(operation: Operation) -> list[str]:
    """Returns the names of the tasks to which a request refers."""
    text = f"{operation.path} {operation.body}"
    return [name for name in TASKS if f"{{{name}}}" in text]


ROWS = [row for row in (*OPERATIONS, *MORE, *REFERENCES) if _tasks_in(row)]
IN_PATHS = [row for row in OPERATIONS if any(text in row.path for text in IN_TEXTS)]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@pytest.fixture
def admin(client: Client) -> Client:
    return client.as_("admin")


@pytest.fixture
def moved(world: World, services: Services) -> World:
    """The world after its tasks have been in two other projects; `task_former` and so on are earlier keys."""
    for key in ("WEB", "HR"):
        services.projects.create(by=SYSTEM, key=key, name=key)
    former = {f"{name}_former": world[f"{name}_key"] for name in TASKS}
    services.tasks.restore(world["binned"], by=SYSTEM)
    keys = {}
    for name in TASKS:
        for project in ("WEB", "HR"):
            keys[f"{name}_key"] = str(services.tasks.change(world[name], {"project": project}, by=SYSTEM).key)
    services.tasks.bin(world["binned"], by=SYSTEM)
    return World(world | former | keys)


def _with(world: World, find: Callable[[str], str]) -> World:
    """The world with other names for its tasks."""
    return World(world | {name: find(name) for name in TASKS})


def _comparable(answer: Answer) -> tuple[Any, ...]:
    """All of a response except what no two responses share."""
    headers = {name: value for name, value in answer.headers if name not in ("X-Request-Id", "ETag")}
    body = answer.json
    return answer.status_code, headers, body | {"request_id": None} if "request_id" in body else body


@every_row
def test_a_key_in_any_case_and_a_former_key_are_answered_like_the_id(
    row: Operation, admin: Client, moved: World
) -> None:
    options = {"dry_run": "true"} if row.dry else {}
    references: dict[str, Callable[[str], str]] = {
        "key": lambda name: moved[f"{name}_key"],
        "key in lower case": lambda name: moved[f"{name}_key"].lower(),
        "key in mixed case": lambda name: moved[f"{name}_key"].capitalize(),
        "former key": lambda name: moved[f"{name}_former"],
        "former key in lower case": lambda name: moved[f"{name}_former"].lower(),
    }

    expected = _comparable(moved.ask(admin, row, **options))
    found = {
        kind: _comparable(_with(moved, find).ask(admin, row, **options)) for kind, find in references.items()
    }

    assert expected[0] < 500
    assert found == dict.fromkeys(references, expected)


@every_row
def test_an_unknown_key_is_answered_like_an_unknown_id(row: Operation, admin: Client, world: World) -> None:
    options = {"dry_run": "true"} if row.dry else {}
    for name in _tasks_in(row):
        if name == "blocker" and "unblock" in row.name:
            continue  # see the next test
        unknown_id = an_id()
        for key in ("OPS-999", "NONE-1", "ops-999999999999999999"):
            by_id = World(world | {name: unknown_id}).ask(admin, row, **options)
            by_key = World(world | {name: key}).ask(admin, row, **options)

            assert by_key.status_code == by_id.status_code
            assert _but(by_key, key.upper(), key) == _but(by_id, unknown_id)


def test_the_id_of_a_task_that_is_gone_can_be_removed_from_the_blockers_and_a_key_has_to_exist(
    admin: Client, world: World
) -> None:
    path = f"tasks/{world['task_key']}/blocked-by"

    assert admin.delete(f"{path}/{an_id()}").status_code == 200
    problem(admin.delete(f"{path}/OPS-999"), "not_found")


def _but(answer: Answer, *references: str) -> Any:
    """The body of a response without the reference that was sent and what no two responses share."""
    text = answer.text
    for reference in references:
        text = text.replace(reference, "…")
    request_id = answer.headers["X-Request-Id"]
    return text.replace(request_id, "…")


# What resembles a key and is none. No letter or digit is folded to an ASCII one.
NOT_KEYS = {
    "the number 0": "OPS-0",
    "a leading zero": "OPS-01",
    "full-width digits": "ops-１７",
    "Arabic digits": "OPS-١",
    "one letter": "O-1",
    "a project key of 11 characters": "ABCDEFGHIJK-1",
    "19 digits": "OPS-1000000000000000000",
    "a long s": "OPſ-1",
    "a dotless i": "HıR-1",
    "a Kelvin sign": "O\u212a-1",
    "a Cyrillic letter": "ОPS-1",
    "an en dash": "OPS–1",
    "no number": "OPS-",
    "no hyphen": "OPS1",
    "a minus sign": "OPS--1",
    "a plus sign": "OPS-+1",
    "a fraction": "OPS-1.0",
    "a blank in front": " OPS-1",
    "a blank behind": "OPS-1 ",
    "a blank inside": "OPS -1",
    "a line break": "OPS-1\n",
    "NUL": "OPS-1\0",
    "an underscore": "O_S-1",
    "digits first": "1OPS-1",
    "a project": "OPS",
    "null": "null",
    "a number": "1",
    "an operator": "$ne",
    "very long": "OPS-" + "1" * 6_000,
}


@pytest.mark.parametrize("text", NOT_KEYS.values(), ids=NOT_KEYS)
def test_what_only_resembles_a_key_is_not_found_in_a_path(
    text: str, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        for row in IN_PATHS:
            for name in (name for name in TASKS if f"{{{name}}}" in row.path):
                quoted = "".join(f"%{byte:02X}" for byte in text.encode())
                problem(World(world | {name: quoted}).ask(admin, row), "not_found")


@pytest.mark.parametrize("text", NOT_KEYS.values(), ids=NOT_KEYS)
def test_what_only_resembles_a_key_is_rejected_in_filters_and_bodies(
    text: str, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    task = f"tasks/{world['task_key']}"

    with nothing_changes():
        for name in ("id", "parent", "blocked_by"):
            problem(admin.get("tasks", **{name: text}), "malformed")
        for field, value in (("parent_id", text), ("blocked_by", [text])):
            answer = admin.patch(task, {field: value})
            if "\0" in text:
                problem(answer, "malformed")
            else:
                assert mistakes(answer, "invalid") == [(f"body.{field}{'.0' * (value != text)}", "bad_id")]


@pytest.mark.parametrize("value", [1, 17.0, True, {"key": "OPS-1"}, ["OPS-1"]])
def test_a_key_in_a_body_is_text(
    value: Any, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        answers = [
            admin.post("tasks", {"title": "x", "parent_id": value}),
            admin.patch(f"tasks/{world['task']}", {"blocked_by": [value]}),
            admin.patch(f"tasks/{world['task']}", {"project": value}),
        ]

    assert [answer.status_code for answer in answers] == [422] * 3


@pytest.mark.parametrize("path", ["users/{}", "users/{}/tasks", "tasks/OPS-1/comments/{}"])
def test_a_key_stands_for_a_task_only(path: str, admin: Client, world: World) -> None:
    problem(admin.get(path.format(world["task_key"])), "not_found")


def test_a_blocker_that_is_named_by_id_and_key_is_one_blocker(admin: Client, world: World) -> None:
    body = {"blocked_by": [world["other"], world["other_key"], world["other_key"].lower()]}

    assert admin.patch(f"tasks/{world['task']}", body).json["blocked_by"] == [world["other"]]


# --- moves


def test_a_task_that_moves_gets_the_next_key_of_the_other_project(admin: Client, world: World) -> None:
    answer = admin.patch("tasks/OPS-1", {"project": "task"})

    task = answer.json
    assert (task["project"], task["key"], task["version"]) == ("TASK", "TASK-3", 2)
    assert admin.get("tasks/ops-1").json == task
    (entry, *_) = admin.get("activity", entity_id="TASK-3").json["items"]
    assert (entry["kind"], entry["before"]["key"], entry["after"]["key"]) == ("task.moved", "OPS-1", "TASK-3")


def test_a_project_is_named_by_its_id_or_by_its_key_in_any_case(admin: Client, world: World) -> None:
    for reference in (world["project"], "OPS", "oPs"):
        new = admin.post("tasks", {"title": "x", "project": reference}).json
        assert new["project"] == "OPS"
        assert admin.patch("tasks/OPS-1", {"project": reference}).json["key"] == "OPS-1"


def test_a_task_that_returns_to_a_project_gets_a_new_key(admin: Client, world: World) -> None:
    admin.patch("tasks/OPS-1", {"project": "TASK"})
    back = admin.patch("tasks/OPS-1", {"project": "OPS"}).json

    assert back["key"] == "OPS-3"
    assert {admin.get(f"tasks/{key}").json["id"] for key in ("OPS-1", "TASK-3", "OPS-3")} == {world["task"]}


@pytest.mark.parametrize("project", ["NONE", "none", an_id()])
def test_an_unknown_project_is_a_mistake_in_the_field(
    project: str, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        for answer in (
            admin.post("tasks", {"title": "x", "project": project}),
            admin.patch("tasks/OPS-1", {"project": project}),
        ):
            assert mistakes(answer, "invalid") == [("body.project", "unknown_project")]
            assert answer.json["errors"][0]["detail"] == f"There is no project {project}."


@pytest.mark.parametrize("project", ["O", "OPS-1", " OPS", "OPſ", "OP1234567890", ""])
def test_a_text_that_is_no_project_key_is_a_mistake_in_the_field(
    project: str, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        answer = admin.patch("tasks/OPS-1", {"project": project})

    assert mistakes(answer, "invalid") == [("body.project", "bad_project_key")]
