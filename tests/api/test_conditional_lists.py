"""Tests 304 for unchanged lists, by the time of the last write or by the content, and never wrongly."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from flask import Flask

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Role
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.api.client import Client
from tests.api.conftest import SECRET_KEY
from tests.factories import SYSTEM, Clock

pytestmark = pytest.mark.slow

LISTS: list[tuple[str, dict[str, str]]] = [
    ("tasks", {}),
    ("tasks", {"status": "todo", "sort": "due_date", "total": "true"}),
    ("tasks", {"overdue": "true"}),
    ("tasks", {"q": "task"}),
    ("tasks", {"q": "task", "include": "assignee"}),
    ("tasks", {"include": "assignee,derived"}),
    ("users", {}),
    ("users", {"include": "tasks"}),
]
every_list = pytest.mark.parametrize(("path", "query"), LISTS, ids=str)


@pytest.fixture
def board(make_user: Callable[..., Any], make_task: Callable[..., Task]) -> list[Task]:
    kim = make_user("kim")
    return [make_task(title=f"Task {n}", assignee_id=kim.id, due_date="2026-03-01") for n in range(3)]


def tag_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    tag = answer.headers["ETag"]
    assert tag.startswith('W/"')
    return str(tag)


def get_if_changed(client: Client, path: str, tag: str, **query: str) -> Any:
    return client.get(path, headers={"If-None-Match": tag}, **query)


@every_list
def test_a_list_that_has_not_changed_is_not_sent_again(
    path: str, query: dict[str, str], client: Client, board: list[Task]
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get(path, **query))

    again = get_if_changed(viewer, path, tag, **query)

    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["Cache-Control"] == "no-cache, private"
    assert get_if_changed(viewer, path, f'W/"other", {tag}', **query).status_code == 304
    assert get_if_changed(viewer, path, "*", **query).status_code == 304


@every_list
def test_a_change_brings_the_new_list(
    path: str, query: dict[str, str], client: Client, board: list[Task], services: Services
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get(path, **query))
    services.tasks.change(board[0].id, {"title": "New"}, by=SYSTEM)
    services.users.create(by=SYSTEM, username="zoe", name="Zoe")

    again = get_if_changed(viewer, path, tag, **query)

    assert tag_of(again) != tag
    assert again.json == viewer.get(path, **query).json


def test_a_write_elsewhere_leaves_a_list_unchanged_and_brings_a_newer_tag(
    client: Client, board: list[Task], services: Services
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks", status="todo"))
    services.tasks.create(by=SYSTEM, title="Elsewhere", status="backlog")

    again = get_if_changed(viewer, "tasks", tag, status="todo")

    assert again.status_code == 304
    assert again.headers["ETag"] != tag
    assert get_if_changed(viewer, "tasks", again.headers["ETag"], status="todo").status_code == 304


@pytest.mark.parametrize(
    "query", [{"overdue": "true"}, {"include": "derived"}, {"include": "assignee,derived", "sort": "title"}]
)
def test_what_changes_with_the_clock_alone_is_noticed(
    query: dict[str, str], client: Client, make_task: Callable[..., Task], clock: Clock
) -> None:
    make_task(due_date="2026-03-12")
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks", **query))
    clock.advance(days=3)

    again = get_if_changed(viewer, "tasks", tag, **query)

    assert again.status_code == 200
    assert len(again.json["items"]) == 1


@pytest.mark.parametrize("escaped", ["over%64ue=true", "%6fverdue=true", "include=%64erived"])
def test_it_is_noticed_however_the_query_is_written(
    escaped: str, client: Client, make_task: Callable[..., Task], clock: Clock
) -> None:
    make_task(due_date="2026-03-12")
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get(f"tasks?{escaped}"))
    clock.advance(days=3)

    assert get_if_changed(viewer, f"tasks?{escaped}", tag).status_code == 200


@pytest.mark.parametrize("query", [{}, {"include": "assignee"}], ids=str)
def test_a_comment_brings_the_list_that_it_leads_to(
    query: dict[str, str], client: Client, board: list[Task], services: Services
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks", q="whisper", **query))
    services.comments.create(board[0].id, text="A whisper", by=SYSTEM)

    again = get_if_changed(viewer, "tasks", tag, q="whisper", **query)

    assert [task["id"] for task in again.json["items"]] == [board[0].id]
    assert tag_of(again) != tag


def test_statistics_that_are_the_same_are_not_sent_again(
    client: Client, board: list[Task], services: Services, clock: Clock
) -> None:
    viewer, days = client.as_("viewer"), {"from": "2026-03-01", "to": "2026-03-31"}
    tag = tag_of(viewer.get("stats", **days))

    services.tasks.change(board[0].id, {"title": "New"}, by=SYSTEM)
    assert get_if_changed(viewer, "stats", tag, **days).status_code == 304
    assert get_if_changed(viewer, "stats", tag).status_code == 200
    services.tasks.change_priority(board[0].id, priority="high", by=SYSTEM)
    assert get_if_changed(viewer, "stats", tag, **days).status_code == 200


def test_statistics_change_with_the_clock_alone(
    client: Client, make_task: Callable[..., Task], clock: Clock
) -> None:
    make_task(due_date="2026-03-12")
    viewer, days = client.as_("viewer"), {"from": "2026-03-01", "to": "2026-03-31"}
    fixed, recent = tag_of(viewer.get("stats", **days)), tag_of(viewer.get("stats"))
    clock.advance(days=3)

    assert get_if_changed(viewer, "stats", fixed, **days).json["overdue"] == 1
    assert get_if_changed(viewer, "stats", recent).status_code == 200


def test_the_counts_of_users_change_with_the_clock_too(
    client: Client, board: list[Task], make_task: Callable[..., Task], clock: Clock
) -> None:
    kim = board[0].assignee_id
    make_task(title="Later", assignee_id=kim, due_date="2026-03-12")
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("users", include="tasks"))
    clock.advance(days=3)

    assert get_if_changed(viewer, "users", tag, include="tasks").status_code == 200


@pytest.mark.parametrize("other", [{"limit": "2"}, {"sort": "title"}, {"status": "todo"}, {"fields": "id"}])
def test_a_tag_of_another_query_is_none_of_this(
    other: dict[str, str], client: Client, board: list[Task]
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks", **other))

    assert get_if_changed(viewer, "tasks", tag).status_code == 200


def test_a_tag_of_another_reader_is_none_of_theirs(client: Client, board: list[Task]) -> None:
    tag = tag_of(client.as_("manager").get("users"))

    answer = get_if_changed(client.as_("viewer"), "users", tag)

    assert answer.status_code == 200
    assert all(user["email"] is None for user in answer.json["items"] if user["username"] != "viewer")


def test_another_role_brings_the_list_anew(client: Client, board: list[Task], services: Services) -> None:
    member = client.as_("member")
    tag = tag_of(member.get("users"))
    services.users.change(member.user.id, {"role": Role.MANAGER}, by=SYSTEM)

    assert get_if_changed(member.as_("member"), "users", tag).status_code == 200


def test_another_policy_brings_the_list_anew(
    app: Flask, store: Store, client: Client, clock: Clock, board: list[Task]
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks"))
    services = build_services(store, policy=Policy(wip_limit=9), clock=clock)
    other = create_app(services, Settings(), secret_key=SECRET_KEY).test_client()
    headers = {"If-None-Match": tag, "Authorization": f"Bearer {viewer.token}"}

    assert other.get("/api/v1/tasks", headers=headers).status_code == 200


def test_a_tag_does_not_help_who_may_not_read(client: Client, board: list[Task]) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks"))

    assert get_if_changed(client.with_token(None), "tasks", tag).status_code == 401


def test_while_nothing_is_written_the_list_is_not_even_read(
    client: Client, board: list[Task], monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    viewer = client.as_("viewer")
    tag = tag_of(viewer.get("tasks"))
    viewer.get("tasks")  # notes the use of the token, which is a write
    tag = tag_of(viewer.get("tasks"))
    monkeypatch.delattr(type(store.tasks), "find")

    assert get_if_changed(viewer, "tasks", tag).status_code == 304


# --- under writers

WRITERS = 12
QUESTIONS = int(os.environ.get("CONDITIONAL_QUESTIONS", "400"))


@pytest.mark.parametrize(
    "query",
    [{"limit": "200"}, {"status": "todo", "sort": "title"}, {"q": "whisper", "sort": "title"}],
    ids=str,
)
def test_no_304_is_ever_wrong_while_many_write(
    query: dict[str, str], app: Flask, client: Client, services: Services
) -> None:
    """Every answer knows at least what had been acknowledged when it was asked for.

    So a 304 is wrong where a task has been acknowledged in a later version than the list has that
    it vouches for. `CONDITIONAL_QUESTIONS=5000` asks more often than usual.
    """
    viewer = client.as_("viewer")
    acknowledged = {services.tasks.create(by=SYSTEM, title=f"Of {n}").id: 1 for n in range(WRITERS)}
    for task_id in acknowledged:
        services.comments.create(task_id, text="A whisper", by=SYSTEM)
    stopped = threading.Event()

    def write(task_id: str, pauses: Random) -> None:
        while not stopped.is_set():
            changed = services.tasks.change(task_id, {"title": f"At {pauses.random()}"}, by=SYSTEM)
            acknowledged[task_id] = changed.version
            stopped.wait(pauses.random() / 5)

    writers = [
        threading.Thread(target=write, args=(task_id, Random(number)))
        for number, task_id in enumerate(acknowledged)
    ]
    for writer in writers:
        writer.start()
    try:
        statuses = _ask(viewer, query, acknowledged)
    finally:
        stopped.set()
        for writer in writers:
            writer.join()
    assert statuses[304] > QUESTIONS / 20, statuses
    assert statuses[200] > QUESTIONS / 20, statuses


def _ask(viewer: Client, query: dict[str, str], acknowledged: dict[str, int]) -> Counter[int]:
    """How often which answer came; fails at the first wrong one."""
    statuses: Counter[int] = Counter()
    tag, versions = "", dict.fromkeys(acknowledged, 0)
    for _ in range(QUESTIONS):
        least = dict(acknowledged)
        answer = get_if_changed(viewer, "tasks", tag, **query)
        statuses[answer.status_code] += 1
        if answer.status_code == 200:
            versions = {task["id"]: task["version"] for task in answer.json["items"]}
        tag = answer.headers["ETag"]
        assert all(versions[key] >= least[key] for key in least), answer.status_code
    return statuses
