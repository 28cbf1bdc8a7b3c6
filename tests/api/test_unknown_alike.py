"""Tests that what a caller may not know about is answered like something that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.services import Services
from tests.api.client import Answer, Client, problem
from tests.api.operations import World
from tests.factories import SYSTEM, an_id

BODIES: dict[str, Any] = {"PATCH": {"text": "x"}, "PUT": {"status": "todo"}}


def anonymous(answer: Answer, key: str) -> tuple[Any, ...]:
    """All of an answer but for the id that was asked for, and what no two answers share."""
    body = problem(answer, "not_found")
    headers = {name: value for name, value in answer.headers if name not in ("X-Request-Id", "Date")}
    return (
        answer.status_code,
        headers,
        {k: str(v).replace(key, "…") for k, v in body.items()} | {"request_id": "…"},
    )


def ask(caller: Client, method: str, path: str, key: str) -> tuple[Any, ...]:
    body = {"body": BODIES[method]} if method in BODIES else {}
    return anonymous(caller.open(method, path.format(key), **body), key)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "tasks/{}"),
        ("GET", "tasks/{}/transitions"),
        ("GET", "tasks/{}/activity"),
        ("GET", "tasks/{}/comments"),
        ("PUT", "tasks/{}/status"),
        ("DELETE", "tasks/{}"),
    ],
)
@pytest.mark.parametrize("who", ["viewer", "admin"])
def test_a_task_in_the_bin_is_answered_like_one_that_never_was(
    who: str, method: str, path: str, client: Client, world: World
) -> None:
    caller, unknown_id = client.as_(who), an_id()

    assert ask(caller, method, path, world["binned"]) == ask(caller, method, path, unknown_id)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("who", ["viewer", "admin"])
def test_another_tasks_comment_is_answered_like_one_that_never_existed(
    who: str, method: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    caller, unknown_id = client.as_(who), an_id()
    path = f"tasks/{world['other']}/comments/{{}}"

    with nothing_changes():
        assert ask(caller, method, path, world["comment"]) == ask(caller, method, path, unknown_id)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_comment_on_a_task_in_the_bin_is_answered_like_one_on_no_task(
    method: str, client: Client, world: World, services: Services
) -> None:
    caller, unknown_id = client.as_("admin"), an_id()
    services.tasks.bin(world["task"], by=SYSTEM)

    path = f"tasks/{{}}/comments/{world['comment']}"

    assert ask(caller, method, path, world["task"]) == ask(caller, method, path, unknown_id)


@pytest.mark.parametrize("who", ["viewer", "member", "manager"])
def test_anothers_token_is_answered_like_one_that_never_was(
    who: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    caller, unknown_id = client.as_(who), an_id()

    with nothing_changes():
        assert ask(caller, "DELETE", "tokens/{}", world["token"]) == ask(
            caller, "DELETE", "tokens/{}", unknown_id
        )


def test_in_a_bulk_a_task_in_the_bin_is_answered_like_one_that_never_was(
    client: Client, world: World
) -> None:
    unknown_id = an_id()
    operations = [{"op": "bin", "id": key} for key in (world["binned"], unknown_id)]

    answer = client.as_("admin").post("tasks/bulk", {"operations": operations, "mode": "each"})

    binned, unknown = (str(result["problem"]) for result in answer.json["results"])
    assert binned.replace(world["binned"], "…") == unknown.replace(unknown_id, "…")
