"""Tests that hostile input gets the response of the tables, changes nothing, and the service continues."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.client import Answer, Client, answered
from tests.api.hostile import ROWS, Row
from tests.api.operations import BY_NAME, World

pytestmark = pytest.mark.slow

# What no answer may hold, whatever was asked: the insides of the program and of the database.
INSIDES = re.compile(r"Traceback|pymongo|mongodb|site-packages|\.py\b|OperationFailure|ObjectId|WiredTiger")


def sent(row: Row, name: str, caller: Client, world: World) -> Answer:
    operation = BY_NAME[name]
    targets = World(world | {thing: world.fill(key) for thing, key in row.ids.items()})
    path = targets.fill(operation.path)
    if row.query:
        path = f"{path}?{row.query.replace('{other_user}', world['other_user'])}"
    options: dict[str, Any] = {"headers": dict(row.headers)}
    if row.raw is not None:
        options["raw"] = row.raw
    elif row.body is not None or operation.body is not None:
        options["body"] = targets.fill(operation.body) if row.body is None else _filled(row.body, targets)
    return caller.open(operation.method, path, **options)


def _filled(body: Any, world: World) -> Any:
    """With the ids in place of their names; what is not one of these names stays."""
    if isinstance(body, str) and body[1:-1] in world:
        return world[body[1:-1]]
    if isinstance(body, dict):
        return {name: _filled(value, world) for name, value in body.items()}
    return [_filled(value, world) for value in body] if isinstance(body, list) else body


@pytest.mark.parametrize("name", ROWS)
def test_a_hostile_request_gets_the_response_of_the_table_and_changes_nothing(
    name: str, client: Client, world: World, hashes: Callable[[], Any]
) -> None:
    clients = {who: client.as_(who) if who else client for who in {row.who for row in ROWS[name]}}
    other_client = client.as_("viewer")
    wrong, before = {}, hashes()

    for row in ROWS[name]:
        answer = sent(row, name, clients[row.who], world)
        leaks = INSIDES.findall(answer.text)
        unchanged = hashes() == before
        outcome = (answered(answer), leaks, unchanged, other_client.get("users/me").status_code)
        if outcome != (row.expected, [], True, 200):
            wrong[row.name] = (row.expected, outcome)

    assert wrong == {}


# --- cursors

LISTS = {
    "tasks": "tasks?limit=1",
    "tasks in another order": "tasks?limit=1&sort=title",
    "tasks of a filter": "tasks?limit=1&priority=medium",
    "tasks of a user": "users/{user}/tasks?limit=1",
    "users": "users?limit=1",
    "users with tasks": "users?limit=1&include=tasks",
    "the log": "activity?limit=1",
    "the log of tasks": "activity?limit=1&entity=task",
    "the log of a task": "tasks/{task}/activity?limit=1",
    "comments": "tasks/{task}/comments?limit=1",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_cut_bent_or_borrowed_is_refused_by_every_list(
    name: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    admin.patch(f"tasks/{world['task']}", {"title": "Changed, so that its log has a second page"})
    cursors = {other: str(admin.get(world.fill(path)).json["next"]) for other, path in LISTS.items()}
    own = cursors.pop(name)
    middle = len(own) // 2
    edited = [own[:middle] + ("B" if own[middle] == "A" else "A") + own[middle + 1 :], own[::-1], own.lower()]
    wrong = [*cursors.values(), *edited, own[:-1], own[1:], own[:20], own[24:], own * 2, own + "AAAA", "null"]

    with nothing_changes():
        answers = [admin.get(f"{world.fill(LISTS[name])}&cursor={text}") for text in wrong]

    assert {answered(answer) for answer in answers} == {"malformed"}
    assert admin.get(f"{world.fill(LISTS[name])}&cursor={own}").status_code == 200
