"""Tests users, and users with their tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.api.client import Client, mistakes, problem
from tests.factories import SYSTEM, Clock

KEYS = {
    "id", "username", "name", "email", "role", "kind", "active", "created_at", "updated_at", "version",
}  # fmt: skip


@pytest.fixture
def admin(client: Client) -> Client:
    return client.as_("admin")


def test_a_new_user_has_every_key_and_the_defaults(admin: Client) -> None:
    answer = admin.post("users", {"username": "Ada.Lovelace", "name": " Ada Lovelace "})

    user = answer.json
    assert answer.status_code == 201
    assert user == {
        "id": user["id"], "username": "ada.lovelace", "name": "Ada Lovelace", "email": None,
        "role": "member", "kind": "person", "active": True, "created_at": "2026-03-10T12:00:00.000Z",
        "updated_at": "2026-03-10T12:00:00.000Z", "version": 1,
    }  # fmt: skip
    assert answer.headers["Location"] == f"/api/v1/users/{user['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert admin.get(answer.headers["Location"]).json == user


def test_me_is_whose_token_it_is(client: Client) -> None:
    for who in ("viewer", "admin"):
        caller = client.as_(who, "tasks:read")
        assert caller.get("users/me").json["username"] == who
        assert caller.get("users/me").json.keys() == KEYS | {"unread"}


def test_an_e_mail_address_is_visible_to_its_owner_and_managers(client: Client, admin: Client) -> None:
    made = admin.post("users", {"username": "ada", "name": "Ada", "email": "Ada@Example.org"}).json
    path = f"users/{made['id']}"

    shown = {who: client.as_(who).get(path).json["email"] for who in ("viewer", "member", "manager", "ada")}
    listed = {
        who: {user["username"]: user["email"] for user in client.as_(who).get("users").json["items"]}["ada"]
        for who in ("viewer", "member", "manager", "ada")
    }

    expected = {"viewer": None, "member": None, "manager": "Ada@Example.org", "ada": "Ada@Example.org"}
    assert (shown, listed) == (expected, expected)


def test_everybody_changes_their_own_name_and_address(client: Client) -> None:
    viewer = client.as_("viewer")

    changed = viewer.patch(f"users/{viewer.user.id}", {"name": "Vera", "email": "vera@example.org"})

    assert (changed.json["name"], changed.json["email"], changed.headers["ETag"]) == (
        "Vera",
        "vera@example.org",
        '"2"',
    )
    assert viewer.patch(f"users/{viewer.user.id}", {"email": None}).json["email"] is None


def test_a_dry_run_does_not_reveal_whether_an_address_is_taken(client: Client, admin: Client) -> None:
    admin.post("users", {"username": "ada", "name": "Ada", "email": "ada@example.org"})
    member, manager = client.as_("member"), client.as_("manager")
    writer = client.as_("admin", "users:write")
    profile = {"email": "Ada@example.org", "name": "New"}

    taken = member.patch(f"users/{member.user.id}", profile, dry_run="true")
    free = member.patch(f"users/{member.user.id}", profile | {"email": "free@example.org"}, dry_run="true")

    assert (taken.status_code, taken.json | profile) == (200, taken.json)
    assert taken.json | {"email": None} == free.json | {"email": None}
    new = {"username": "eve", "name": "Eve", "email": "ada@example.org"}
    assert writer.post("users", new, dry_run="true").status_code == 201
    assert writer.patch(f"users/{member.user.id}", profile, dry_run="true").status_code == 200
    problem(manager.patch(f"users/{manager.user.id}", profile, dry_run="true"), "email_taken")
    problem(admin.post("users", new, dry_run="true"), "email_taken")
    for caller in (member, manager):
        problem(caller.patch(f"users/{caller.user.id}", profile), "email_taken")
    problem(writer.post("users", new), "email_taken")


@pytest.mark.parametrize(
    "body", [{"role": "admin"}, {"active": True}, {"username": "vera"}, {"name": "Vera", "kind": "service"}]
)
def test_nobody_else_than_an_admin_changes_more(
    body: dict[str, Any], client: Client, nothing_changes: Callable[[], Any]
) -> None:
    manager = client.as_("manager")

    with nothing_changes():
        problem(manager.patch(f"users/{manager.user.id}", body), "not_permitted")


@pytest.mark.parametrize("body", [{"role": "manager"}, {"active": False}])
def test_the_last_admin_stays_one(
    body: dict[str, Any], admin: Client, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        refused = admin.patch(f"users/{admin.user.id}", body)

    assert [reason["code"] for reason in problem(refused, "refused")["reasons"]] == ["last_admin"]


def test_users_come_by_username(admin: Client) -> None:
    for name in ("zoe", "bert", "Anna", "_x_"):
        admin.post("users", {"username": name, "name": name})

    page = admin.get("users", total="true").json

    assert [user["username"] for user in page["items"]] == ["_x_", "admin", "anna", "bert", "zoe"]
    assert (page["total"], page["next"]) == (5, None)
    assert page["items"][0].keys() == KEYS


# --- with their tasks


@pytest.fixture
def busy_manager(client: Client, make_task: Callable[..., Task], clock: Clock) -> str:
    """A manager with five tasks; answers the id."""
    kim = client.as_("manager").user.id
    for title, due, more in (
        ("later", "2026-05-01", {}),
        ("undated", None, {}),
        ("soon", "2026-03-15", {"status": "in_progress"}),
        ("dropped", "2026-03-01", {"status": "cancelled", "reason": "No."}),
        ("sooner", "2026-03-15T08:00:00Z", {}),
    ):
        clock.advance(minutes=1)
        make_task(title=title, due_date=due, assignee_id=kim, **more)
    make_task(title="nobody's")
    make_task(title="binned", assignee_id=kim)
    return kim


def with_tasks(client: Client, **query: str) -> dict[str, list[str]]:
    rows = client.get("users", include="tasks", **query).json["items"]
    return {row["username"]: [task["title"] for task in row["tasks"]] for row in rows}


def test_each_user_comes_with_their_tasks_open_first_soonest_due_undated_last(
    client: Client, admin: Client, busy_manager: str
) -> None:
    (binned,) = (t for t in admin.get("tasks").json["items"] if t["title"] == "binned")
    admin.delete(f"tasks/{binned['id']}")

    assert with_tasks(client.as_("viewer")) == {
        "admin": [],
        "manager": ["sooner", "soon", "later", "undated", "dropped"],
        "viewer": [],
    }


def test_a_task_in_a_list_of_users_is_the_whole_task(admin: Client, busy_manager: str) -> None:
    row = next(row for row in admin.get("users", include="tasks").json["items"] if row["tasks"])

    for task in row["tasks"]:
        assert task == admin.get(f"tasks/{task['id']}").json
    assert row.keys() >= KEYS | {"tasks", "tasks_total"}


@pytest.mark.parametrize(("limit", "count"), [("0", 0), ("1", 1), ("3", 3), ("6", 6), ("100", 6)])
def test_a_limit_cuts_the_tasks_and_the_total_tells_how_many_there_are(
    limit: str, count: int, admin: Client, busy_manager: str
) -> None:
    rows = admin.get("users", include="tasks", tasks_limit=limit).json["items"]

    assert {row["username"]: (len(row["tasks"]), row["tasks_total"]) for row in rows} == {
        "admin": (0, 0),
        "manager": (count, 6),
    }


def test_each_user_comes_with_counts_of_all_their_tasks_and_the_room_for_more(
    admin: Client, busy_manager: str, make_task: Callable[..., Task]
) -> None:
    blocker = make_task(title="blocker")
    make_task(assignee_id=busy_manager, due_date="2026-03-01", blocked_by=[blocker.id], priority="urgent")

    rows = admin.get("users", include="tasks", tasks_limit="0").json["items"]

    none = {"open": 0, "overdue": 0, "blocked": 0, "started": 0, "urgent": 0}
    assert {row["username"]: (row["counts"], row["wip_room"]) for row in rows} == {
        "admin": (none, 5),
        "manager": ({"open": 6, "overdue": 1, "blocked": 1, "started": 1, "urgent": 1}, 4),
    }


def test_by_default_there_are_twenty_tasks_a_user(
    client: Client, admin: Client, make_task: Callable[..., Task]
) -> None:
    for _ in range(21):
        make_task(assignee_id=admin.user.id)

    (row,) = admin.get("users", include="tasks").json["items"]

    assert (len(row["tasks"]), row["tasks_total"]) == (20, 21)


def test_it_takes_both_scopes(client: Client) -> None:
    for scopes in (("users:read",), ("tasks:read",)):
        problem(client.as_("admin", *scopes).get("users", include="tasks"), "scope_missing")
    assert client.as_("admin", "users:read", "tasks:read").get("users", include="tasks").status_code == 200


class _Started(CommandListener):
    """The names and collections of the commands that were sent."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append((event.command_name, event.command.get(event.command_name)))

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


@pytest.fixture
def listener() -> _Started:
    return _Started()


@pytest.fixture
def observed_client(
    listener: _Started,
    mongodb_uri: str,
    database: Database[Any],
    clock: Clock,
    client_of: Callable[..., Client],
) -> Iterator[Client]:
    """A client of an application whose every command to the database is heard."""
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[listener]) as connection:
        services = build_services(mongo_store(connection[database.name]), clock=clock)
        yield client_of(over=services)


@pytest.mark.parametrize("users", [1, 3, 40])
def test_users_with_their_tasks_are_one_aggregation_a_page(
    users: int,
    client: Client,
    observed_client: Client,
    listener: _Started,
    admin: Client,
    make_user: Callable[..., Any],
    make_task: Callable[..., Task],
) -> None:
    for number in range(users):
        kim = make_user(f"user-{number:02}")
        make_task(assignee_id=kim.id)
    caller = observed_client.as_("admin")
    caller.get("users/me")  # the token is known from here on
    listener.commands.clear()

    page = caller.get("users", include="tasks", limit="30")

    assert len(page.json["items"]) == min(users + 1, 30)
    assert listener.commands == [("aggregate", "users")]
    if page.json["next"]:
        listener.commands.clear()
        rest = caller.get("users", include="tasks", limit="30", cursor=page.json["next"])
        assert len(rest.json["items"]) == users + 1 - 30
        assert listener.commands == [("aggregate", "users")]


def test_a_limit_to_tasks_where_none_come_along_is_told(admin: Client) -> None:
    assert mistakes(admin.get("users", tasks_limit="5"), "malformed") == [
        ("query.tasks_limit", "not_allowed")
    ]
    assert mistakes(admin.get("users", tasks_limit="5", include="task"), "malformed") == [
        ("query.include", "not_allowed")
    ]
    assert mistakes(admin.get("users", tasks_limit="500", colour="red"), "malformed") == [
        ("query.colour", "unknown_parameter"),
        ("query.tasks_limit", "out_of_range"),
        ("query.tasks_limit", "not_allowed"),
    ]


# --- some of them


@pytest.fixture
def people(client: Client, services: Services) -> Client:
    """An admin's client beside Ada, Bért, Zoé and Adam, who has been shut out."""
    admin = client.as_("admin")
    for username, name, role in (
        ("ada", "Ada Lovelace", "member"),
        ("bert.o-neil", "Bért O'Neil", "manager"),
        ("zoe_l", "ZOÉ Adams", "member"),
        ("adam", "Adam Zorn", "viewer"),
    ):
        made = services.users.create(by=SYSTEM, username=username, name=name, role=role)
        make = services.tasks.create
        make(title=f"{username}'s", assignee_id=made.id, by=SYSTEM)
    services.users.change(made.id, {"active": False}, by=SYSTEM)
    return admin


FILTERED: list[tuple[dict[str, str], str]] = [
    ({"username": "ada"}, "ada"),
    ({"username": "ADA,zoe_l,nobody"}, "ada zoe_l"),
    ({"username": "nobody"}, ""),
    ({"q": "ada"}, "ada adam zoe_l"),
    ({"q": "ADÁ"}, "ada adam zoe_l"),
    ({"q": "bert.o"}, "bert.o-neil"),
    ({"q": "lov"}, "ada"),
    ({"q": "lace"}, ""),
    ({"q": "zo ad"}, "adam zoe_l"),
    ({"role": "member"}, "ada zoe_l"),
    ({"role": "viewer,manager"}, "adam bert.o-neil"),
    ({"active": "false"}, "adam"),
    ({"active": "true"}, "ada admin bert.o-neil zoe_l"),
    ({"q": "ad", "active": "true", "role": "member", "username": "zoe_l,adam"}, "zoe_l"),
]


@pytest.mark.parametrize("more", [{}, {"include": "tasks"}], ids=["alone", "with tasks"])
def test_a_filter_of_users_lets_through_those_that_match(people: Client, more: dict[str, str]) -> None:
    for query, expected in FILTERED:
        page = people.get("users", total="true", **query, **more)

        assert page.status_code == 200, page.text
        assert " ".join(user["username"] for user in page.json["items"]) == expected, query
        assert page.json["total"] == len(expected.split())


@pytest.mark.parametrize("more", [{}, {"include": "tasks"}], ids=["alone", "with tasks"])
def test_a_cursor_of_filtered_users_is_good_for_that_filter_alone(
    people: Client, more: dict[str, str]
) -> None:
    first = people.get("users", q="ad", limit="2", **more).json
    rest = people.get("users", q="ad", limit="2", cursor=first["next"], **more).json

    assert [user["username"] for user in rest["items"]] == ["admin", "zoe_l"]
    for other in ({}, {"q": "a"}, {"q": "ad", "active": "true"}, {"q": "ad", "role": "member"}):
        answer = people.get("users", cursor=first["next"], **other, **more)
        assert mistakes(answer, "malformed") == [("query.cursor", "bad_cursor")]


def test_a_list_of_some_users_has_an_etag_of_its_own(people: Client) -> None:
    tag = people.get("users", q="ada").headers["ETag"]

    assert people.get("users", q="ada", headers={"If-None-Match": tag}).status_code == 304
    assert people.get("users", q="bert", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [("role", "boss"), ("active", "yes"), ("q", "--"), ("q", ""), ("username", "a"), ("username", "me")],
)
def test_a_filter_of_users_that_there_cannot_be_is_named(name: str, text: str, people: Client) -> None:
    answer = people.get("users", **{name: text})

    assert [place for place, _ in mistakes(answer, "malformed")] == [f"query.{name}"]


def test_a_new_name_is_found_and_the_old_one_is_not(people: Client) -> None:
    (ada,) = people.get("users", username="ada").json["items"]
    people.patch(f"users/{ada['id']}", {"name": "Augusta King", "username": "countess"})

    assert [user["username"] for user in people.get("users", q="king").json["items"]] == ["countess"]
    assert people.get("users", q="lovelace").json["items"] == []
