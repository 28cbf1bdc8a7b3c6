"""Tests `dry_run=true`: the same checks and the same response, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Answer, Client, answered, problem
from tests.api.hostile import TAKES_ANY_QUERY
from tests.api.operations import DRY, OPERATIONS, Operation, World

pytestmark = pytest.mark.slow

every_dry = pytest.mark.parametrize("operation", DRY, ids=lambda o: o.name)


def comparable(operation: Operation, answer: Answer) -> Any:
    """The answer without what a new thing cannot have before it is made."""
    body = answer.json
    if operation.name == "perform":
        return [{**result, "id": None, "key": None} for result in body["results"]]
    unknown = {"id": None, "key": None} if operation.name == "create_task" else {"id": None}
    return body | unknown if operation.status == 201 else body


@every_dry
def test_a_dry_run_leaves_nothing_behind_and_answers_as_the_real_one(
    operation: Operation, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        dry = world.ask(admin, operation, dry_run="true")
    real = world.ask(admin, operation, dry_run="false")

    assert (dry.status_code, real.status_code) == (operation.status, operation.status)
    assert comparable(operation, dry) == comparable(operation, real)
    assert dry.headers["Dry-Run"] == "true"
    assert not {"ETag", "Location"} & set(dry.headers.keys())
    assert "Dry-Run" not in real.headers


@pytest.mark.parametrize("operation", [o for o in DRY if o.status == 201], ids=lambda o: o.name)
def test_a_thing_made_dry_has_no_id(operation: Operation, client: Client, world: World) -> None:
    dry = world.ask(client.as_("admin"), operation, dry_run="true").json

    assert dry["id"] is None


@every_dry
def test_a_dry_run_takes_the_same_right(
    operation: Operation, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    viewer = client.as_("viewer")

    with nothing_changes():
        answer = world.ask(viewer, operation, dry_run="true")
        assert answered(answer) == operation.expected("viewer")


@pytest.mark.parametrize("operation", [o for o in DRY if o.guarded], ids=lambda o: o.name)
def test_a_dry_run_has_its_precondition_judged(
    operation: Operation, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        answer = world.ask(admin, operation, dry_run="true", headers={"If-Match": '"99"'})

    problem(answer, "stale")


def test_every_write_of_tasks_comments_and_users_can_be_tried_dry() -> None:
    others = ("tokens", "webhooks", "inbox", "watch", "auth", "demo")
    writes = {o.name for o in OPERATIONS if o.method != "GET" and not set(others) & {*o.path.split("/")}}

    assert writes == {o.name for o in DRY} - {"change_webhook"}


def test_what_is_no_write_cannot_be_tried_dry(client: Client, world: World) -> None:
    admin = client.as_("admin")

    for operation in OPERATIONS:
        if not operation.dry and operation.name not in TAKES_ANY_QUERY:
            problem(world.ask(admin, operation, dry_run="true"), "malformed")


# --- commands that touch more than the task itself


@pytest.fixture
def entangled(client: Client, make_task: Callable[..., Task]) -> dict[str, str]:
    """A parent with a subtask that somebody works on, a blocker, and a task that waits for both."""
    kim = client.as_("manager").user.id
    parent = make_task(title="Parent")
    blocker = make_task(title="Blocker", assignee_id=kim, status="in_progress")
    subtask = make_task(title="Subtask", parent_id=parent.id, assignee_id=kim, blocked_by=[blocker.id])
    waiting = make_task(title="Waiting", blocked_by=[blocker.id])
    return {
        "kim": kim,
        "parent": parent.id,
        "blocker": blocker.id,
        "subtask": subtask.id,
        "waiting": waiting.id,
    }


COMMANDS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "completing, which unblocks": ("PUT", "tasks/{blocker}/status", {"status": "completed"}),
    "starting under a limit, by override": (
        "PUT", "tasks/{subtask}/status", {"status": "in_progress", "override": True, "reason": "Now."},
    ),
    "an edge": ("PUT", "tasks/{waiting}/blocked-by/{subtask}", None),
    "another parent": ("PATCH", "tasks/{waiting}", {"parent_id": "{parent}"}),
    "assigning": ("PUT", "tasks/{waiting}/assignee", {"assignee_id": "{kim}"}),
    "urgency": (
        "PUT", "tasks/{waiting}/priority", {"priority": "urgent", "reason": "Now."},
    ),
    "everything at once": (
        "PATCH", "tasks/{waiting}",
        {"assignee_id": "{kim}", "due_date": "2026-04-01", "priority": "urgent", "status": "cancelled",
         "reason": "No.", "blocked_by": [], "labels": ["x"]},
    ),
    "a new subtask": ("POST", "tasks", {"title": "New", "parent_id": "{parent}", "assignee_id": "{kim}"}),
    "binning": ("DELETE", "tasks/{waiting}", None),
    "a demotion": ("PATCH", "users/{kim}", {"role": "viewer"}),
    "a new admin": ("PATCH", "users/{kim}", {"role": "admin"}),
}  # fmt: skip


def filled(given: Any, keys: dict[str, str]) -> Any:
    if isinstance(given, dict):
        return {name: filled(value, keys) for name, value in given.items()}
    return given.format_map(keys) if isinstance(given, str) else given


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_touch_lock_or_log_entry_is_left_of_a_dry_run(
    command: tuple[str, str, Any],
    client: Client,
    entangled: dict[str, str],
    nothing_changes: Callable[[], Any],
) -> None:
    method, path, given = command
    body = {} if given is None else {"body": filled(given, entangled)}
    admin = client.as_("admin")

    with nothing_changes():
        dry = admin.open(method, path.format_map(entangled), dry_run="true", **body)
    real = admin.open(method, path.format_map(entangled), **body)

    assert dry.status_code == real.status_code < 300, real.text
    unknown = {"id": None, "key": None} if method == "POST" else {}
    assert dry.json == real.json | unknown


def test_a_dry_completion_tells_what_it_would_unblock(client: Client, entangled: dict[str, str]) -> None:
    answer = client.as_("admin").put(
        f"tasks/{entangled['blocker']}/status", {"status": "completed"}, dry_run="true"
    )

    assert set(answer.json["unblocked"]) == {entangled["subtask"], entangled["waiting"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "tasks/{subtask}/status", {"status": "in_progress"}),
        ("PUT", "tasks/{blocker}/status", {"status": "cancelled"}),
        ("PUT", "tasks/{blocker}/blocked-by/{waiting}", None),
        ("DELETE", "tasks/{parent}", None),
        ("PATCH", "users/{kim}", {"username": "admin"}),
    ],
)
def test_a_dry_run_is_refused_in_the_words_of_the_real_one(
    method: str,
    path: str,
    body: Any,
    client: Client,
    entangled: dict[str, str],
    nothing_changes: Callable[[], Any],
) -> None:
    admin = client.as_("admin")
    options = {} if body is None else {"body": body}

    with nothing_changes():
        dry = admin.open(method, path.format_map(entangled), dry_run="true", **options)
        real = admin.open(method, path.format_map(entangled), **options)

    assert dry.status_code == 409
    assert dry.json | {"request_id": None} == real.json | {"request_id": None}
