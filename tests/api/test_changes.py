"""Tests following the changes: all of them in order, from any position, as far as the caller may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes, problem
from tests.factories import SYSTEM
from tests.feeds import fill_feed


@pytest.fixture
def fill(mongodb_uri: str, database: Database[Any]) -> Callable[[], None]:
    """Numbers all changes so far."""
    return lambda: fill_feed(mongodb_uri, database)


@pytest.fixture
def history(
    services: Services, client: Client, make_task: Callable[..., Task], fill: Callable[[], None]
) -> dict[str, Any]:
    """Changes of every kind of entity, made by several people in two projects."""
    member = client.as_("member")
    services.projects.create(by=SYSTEM, key="OPS", name="Operations")
    task = make_task(project="OPS")
    member.put(f"tasks/{task.key}/assignee", {"assignee_id": "me"})
    member.post(f"tasks/{task.key}/comments", {"text": "Soon."})
    member.patch(f"tasks/{task.key}", {"project": "TASK"})
    services.tasks.create(by=SYSTEM, title="Another", labels=["ui"])
    services.users.create(by=SYSTEM, username="ada", name="Ada", email="ada@example.org")
    for role in ("viewer", "manager", "admin", "ada"):
        client.as_(role)
    fill()
    return {"task": task}


def pages(client: Client, since: str = "0", **query: str) -> Iterator[dict[str, Any]]:
    """Yields all pages from a position to the end of the feed."""
    more = True
    while more:
        page = client.get("changes", since=since, **query).json
        yield page
        since, more = page["next"], page["more"]


def entries(client: Client, **query: str) -> list[dict[str, Any]]:
    return [item for page in pages(client, **query) for item in page["items"]]


def as_in_the_log(client: Client, **query: str) -> dict[str, Any]:
    """The entries that the log shows for the same filters, by id."""
    page = client.get("activity", limit="200", **query).json
    assert page["next"] is None
    return {entry["id"]: entry for entry in page["items"]}


# --- order and positions


def test_an_empty_feed_has_a_head_and_no_changes(client: Client) -> None:
    viewer = client.as_("viewer")

    assert viewer.get("feed/head").json == {"seq": 0, "hash": "0" * 64, "at": None}
    assert viewer.get("changes").json == {"items": [], "next": "0", "more": False}
    assert viewer.get("changes", since="0").json == {"items": [], "next": "0", "more": False}


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("limit", ["1", "3", "500"])
def test_pages_lead_through_all_changes_in_the_order_of_their_numbers(
    client: Client, database: Database[Any], limit: str
) -> None:
    found = entries(client.as_("admin"), limit=limit)

    assert [item["seq"] for item in found] == list(range(1, len(found) + 1))
    numbered = [str(row["entry"]) for row in database["feed"].find().sort("_id", 1)]
    assert [item["id"] for item in found] == numbered


@pytest.mark.usefixtures("history")
def test_without_a_position_there_is_only_the_end_of_the_feed(client: Client) -> None:
    viewer = client.as_("viewer")
    head = viewer.get("feed/head").json

    page = viewer.get("changes").json

    assert page == {"items": [], "next": f"{head['seq']}-{head['hash'][:6]}", "more": False}


def test_a_change_that_is_made_later_comes_after_the_end_of_the_feed(
    client: Client, make_task: Callable[..., Task], fill: Callable[[], None]
) -> None:
    viewer = client.as_("viewer")
    fill()
    since = viewer.get("changes").json["next"]
    assert viewer.get("changes", since=since).json == {"items": [], "next": since, "more": False}

    task = make_task()
    fill()

    page = viewer.get("changes", since=since).json
    assert [(item["kind"], item["entity_id"]) for item in page["items"]] == [("task.created", task.id)]
    assert viewer.get("changes", since=page["next"]).json["items"] == []


# --- filters and permissions


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"entity": "task"},
        {"kind": "task.created,comment.created"},
        {"by": "member"},
        {"project": "OPS"},
        {"project": "ops,TASK", "entity": "task"},
        {"entity_id": "OPS-1"},
        {"entity_id": "NONE-1"},
        {"at_to": "2020-01-01"},
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", ["2", "100"])
@pytest.mark.slow
@pytest.mark.usefixtures("history")
def test_the_filters_are_those_of_the_log(client: Client, query: dict[str, str], limit: str) -> None:
    admin = client.as_("admin")
    expected = as_in_the_log(admin, **query)
    # The client's own token is not in the feed yet.
    expected = {entry_id: e for entry_id, e in expected.items() if e["entity_id"] not in (_token_id(admin),)}

    found = {item.pop("id"): item for item in entries(admin, limit=limit, **query)}

    assert set(found) == set(expected)


@pytest.mark.slow
@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("scopes", [(), ("tasks:read",), ("tasks:read", "users:read")], ids=str)
@pytest.mark.parametrize("role", ["viewer", "member", "manager", "admin", "ada"])
def test_everybody_sees_the_same_as_in_the_log(
    client: Client, fill: Callable[[], None], role: str, scopes: tuple[str, ...]
) -> None:
    caller = client.as_(role, *scopes)
    fill()

    found = entries(caller)

    assert {item["id"]: {k: v for k, v in item.items() if k != "seq"} for item in found} == as_in_the_log(
        caller
    )


@pytest.mark.usefixtures("history")
def test_the_position_advances_over_what_is_left_out(client: Client) -> None:
    viewer = client.as_("viewer", "tasks:read")
    head = viewer.get("feed/head").json

    *_, last = pages(viewer, kind="comment.deleted", limit="1")

    assert last["items"] == []
    assert last["next"] == f"{head['seq']}-{head['hash'][:6]}"


def test_changes_of_users_require_the_scope_to_read_users(client: Client) -> None:
    problem(client.as_("admin", "tasks:read").get("changes", entity="user"), "scope_missing")


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ({"since": "17"}, ("query.since", "bad_position")),
        ({"since": "017-abcdef"}, ("query.since", "bad_position")),
        ({"since": "17-ABCDEF"}, ("query.since", "bad_position")),
        ({"since": "1" * 30}, ("query.since", "bad_position")),
        ({"since": ""}, ("query.since", "bad_position")),
        ({"limit": "501"}, ("query.limit", "out_of_range")),
        ({"include": "user"}, ("query.include", "not_allowed")),
        ({"project": "NONE"}, ("query.project", "unknown_project")),
        ({"by": "nobody-at-all"}, ("query.by", "unknown_user")),
        ({"cursor": "x"}, ("query.cursor", "unknown_parameter")),
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_used_is_named(
    client: Client, query: dict[str, str], mistake: tuple[str, str]
) -> None:
    assert mistakes(client.as_("viewer").get("changes", **query), "malformed") == [mistake]


# --- tasks


def test_the_present_state_of_each_task_is_added_once(
    client: Client, make_task: Callable[..., Task], services: Services, fill: Callable[[], None]
) -> None:
    viewer = client.as_("viewer")
    fill()
    since = viewer.get("changes").json["next"]
    first, second = make_task(), make_task()
    services.tasks.change(first.id, {"title": "Another title"}, by=SYSTEM)
    services.tasks.bin(second.id, by=SYSTEM)
    fill()

    page = viewer.get("changes", since=since, include="task").json

    assert len(page["items"]) == 4
    tasks = {task["id"]: task for task in page["tasks"]}
    assert len(page["tasks"]) == 2
    assert tasks[first.id] == viewer.get(f"tasks/{first.id}").json
    assert tasks[second.id]["deleted_at"] is not None
    assert "tasks" not in viewer.get("changes", since=since).json


# --- another history


def test_a_position_of_another_history_is_gone_and_the_answer_has_the_head(
    client: Client, make_task: Callable[..., Task], fill: Callable[[], None]
) -> None:
    make_task()
    viewer = client.as_("viewer")
    fill()
    head = viewer.get("feed/head").json
    check = "abcdef" if head["hash"][:6] != "abcdef" else "fedcba"

    for since in (f"{head['seq']}-{check}", f"{head['seq'] + 1}-{check}", f"{10**17}-{check}"):
        assert problem(viewer.get("changes", since=since), "resync_required")["head"] == head


def _token_id(client: Client) -> str:
    assert client.token is not None
    return client.token.split("_")[1]
