"""The log: everything that happened, found by who, what, which and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Client, mistakes, problem
from tests.factories import Clock


@pytest.fixture
def history(client: Client, clock: Clock, make_task: Callable[..., Task]) -> dict[str, Any]:
    """A task made by the system, then changed twice by a member's and a manager's hand, an hour apart."""
    member, manager = client.as_("member"), client.as_("manager")
    task = make_task()
    clock.now += timedelta(hours=1)
    member.put(f"tasks/{task.id}/assignee", {"assignee_id": "me"})
    clock.now += timedelta(hours=1)
    manager.put(f"tasks/{task.id}/priority", {"priority": "high"})
    return {"task": task, "member": member.user.id, "reader": client.as_("viewer")}


def kinds(history: dict[str, Any], **query: str) -> list[str]:
    found = history["reader"].get("activity", **query).json["items"]
    return [entry["kind"] for entry in found if entry["entity"] != "user"]


ALL = ["task.priority_changed", "task.assigned", "task.created"]


def test_the_newest_comes_first(history: dict[str, Any]) -> None:
    assert kinds(history) == ALL


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"by": "member"}, ["task.assigned"]),
        ({"by": "system:tests"}, ["task.created"]),
        ({"kind": "task.assigned,task.created"}, ["task.assigned", "task.created"]),
        ({"entity": "task"}, ALL),
        ({"entity": "comment"}, []),
    ],
)
def test_filters_narrow_the_log(history: dict[str, Any], query: dict[str, str], expected: list[str]) -> None:
    if query.get("by") == "system:tests":
        query = {"by": history["task"].created_by}
    assert kinds(history, **query) == expected


def test_one_things_entries_are_found_by_its_id(history: dict[str, Any]) -> None:
    assert kinds(history, entity_id=history["task"].id) == ALL


def test_a_span_begins_inclusively_and_ends_exclusively(history: dict[str, Any]) -> None:
    created = history["task"].created_at
    an_hour_later = (created + timedelta(hours=1)).isoformat()

    assert kinds(history, at_from=an_hour_later) == ALL[:2]
    assert kinds(history, at_to=an_hour_later) == ALL[2:]


def test_a_plain_date_means_its_whole_day(history: dict[str, Any]) -> None:
    day = history["task"].created_at.date()

    assert kinds(history, at_from=day.isoformat(), at_to=day.isoformat()) == ALL
    assert kinds(history, at_from=(day + timedelta(days=1)).isoformat()) == []
    assert kinds(history, at_to=(day - timedelta(days=1)).isoformat()) == []


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ({"by": "nobody-at-all"}, ("query.by", "unknown_user")),
        ({"kind": "task.exploded"}, ("query.kind", "not_allowed")),
        ({"entity": "board"}, ("query.entity", "not_allowed")),
        ({"entity_id": "7"}, ("query.entity_id", "bad_id")),
        ({"at_from": "yesterday"}, ("query.at_from", "bad_date")),
        ({"at_to": "2026-11-22T10:00:00"}, ("query.at_to", "no_offset")),
        ({"actor": "me"}, ("query.actor", "unknown_parameter")),
    ],
)
def test_what_the_log_cannot_be_asked_is_named(
    client: Client, query: dict[str, str], mistake: tuple[str, str]
) -> None:
    assert mistakes(client.as_("viewer").get("activity", **query), "malformed") == [mistake]


def test_what_was_done_to_users_is_for_who_may_read_them(
    client: Client, make_task: Callable[..., Any]
) -> None:
    make_task()
    narrow, wide = client.as_("manager", "tasks:read"), client.as_("manager", "tasks:read", "users:read")

    problem(narrow.get("activity", entity="user"), "scope_missing")
    assert {entry["entity"] for entry in narrow.get("activity").json["items"]} == {"task"}
    assert {entry["entity"] for entry in wide.get("activity").json["items"]} == {"task", "user"}


def test_e_mail_addresses_in_the_log_are_for_managers_and_oneself(
    client: Client, make_user: Callable[..., Any]
) -> None:
    ada = make_user("ada", email="ada@example.org")

    def seen_by(who: str) -> str | None:
        (entry,) = client.as_(who).get("activity", entity_id=ada.id).json["items"]
        email: str | None = entry["after"]["email"]
        return email

    assert {who: seen_by(who) for who in ("viewer", "member", "manager", "ada")} == {
        "viewer": None,
        "member": None,
        "manager": "ada@example.org",
        "ada": "ada@example.org",
    }
