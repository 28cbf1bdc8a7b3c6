"""Tests the log: every change, and the filters by entity, kind, actor and time."""

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
    return [entry["kind"] for entry in found if entry["entity"] not in ("user", "token")]


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
    assert {entry["entity"] for entry in narrow.get("activity").json["items"]} == {"task", "token"}
    assert {entry["entity"] for entry in wide.get("activity").json["items"]} == {"task", "token", "user"}


def test_e_mail_addresses_in_the_log_are_visible_to_their_owner_and_managers(
    client: Client, make_user: Callable[..., Any]
) -> None:
    ada = make_user("ada", email="ada@example.org")

    def email_seen_by(who: str) -> str | None:
        (entry,) = client.as_(who).get("activity", entity_id=ada.id).json["items"]
        email: str | None = entry["after"]["email"]
        return email

    assert {who: email_seen_by(who) for who in ("viewer", "member", "manager", "ada")} == {
        "viewer": None,
        "member": None,
        "manager": "ada@example.org",
        "ada": "ada@example.org",
    }


# --- tokens


def owners_seen(client: Client, **query: str) -> set[str]:
    """The users whose tokens the answer tells of."""
    found = client.get("activity", **query).json["items"]
    changes = [{**entry["before"], **entry["after"]} for entry in found if entry["entity"] == "token"]
    return {change["user_id"] for change in changes}


@pytest.mark.parametrize(
    "query", [{}, {"entity": "token"}, {"kind": "token.created"}, {"kind": "token.revoked,token.created"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("scopes", [(), ("tasks:read", "users:read"), ("tasks:read", "admin")], ids=str)
@pytest.mark.parametrize("role", ["viewer", "member", "manager", "admin"])
def test_only_an_admins_token_with_that_scope_sees_other_peoples_tokens(
    client: Client, role: str, scopes: tuple[str, ...], query: dict[str, str]
) -> None:
    others = {client.as_(name).user.id for name in ("viewer", "member", "manager", "admin")}
    reader = client.as_(role, *scopes)
    sees_all = role == "admin" and "users:read" not in scopes
    assert owners_seen(reader, **query) == (others if sees_all else {reader.user.id})


def test_another_persons_token_is_not_found_in_the_log_by_any_filter(client: Client) -> None:
    admin, member = client.as_("admin"), client.as_("member")
    token = admin.post("tokens", {"name": "secret project", "user_id": admin.user.id}).json
    (entry,) = admin.get("activity", entity_id=token["id"]).json["items"]
    for query in (
        {"entity_id": token["id"]},
        {"change_set": entry["change_set"]},
        {"by": "admin"},
        {"at_from": entry["at"]},
        {"entity": "token", "entity_id": token["id"]},
    ):
        page = member.get("activity", **query, total="true").json
        assert token["id"] not in {each["entity_id"] for each in page["items"]}, query
        assert page["total"] == len(page["items"])


def test_the_life_of_a_token_is_in_the_log(client: Client) -> None:
    member = client.as_("member")
    body = {"name": "CI", "scopes": ["tasks:read"], "expires_at": "2030-01-01T00:00:00Z"}
    token = member.post("tokens", body).json
    assert member.delete(f"tokens/{token['id']}").status_code == 204

    revoked, created = member.get("activity", entity_id=token["id"]).json["items"]

    was = {
        "user_id": member.user.id,
        "name": "CI",
        "scopes": ["tasks:read"],
        "created_at": token["created_at"],
        "expires_at": "2030-01-01T00:00:00.000Z",
    }
    assert (created["kind"], created["version"], created["before"], created["after"]) == (
        "token.created", 1, {}, was,
    )  # fmt: skip
    assert (revoked["kind"], revoked["version"], revoked["before"], revoked["after"]) == (
        "token.revoked", 2, was, {},
    )  # fmt: skip
    assert {revoked["by"], created["by"]} == {member.user.id}


def test_the_log_of_a_task_has_no_tokens(client: Client, make_task: Callable[..., Task]) -> None:
    task, admin = make_task(), client.as_("admin")
    found = admin.get(f"tasks/{task.id}/activity").json["items"]
    assert {entry["entity"] for entry in found} == {"task"}
