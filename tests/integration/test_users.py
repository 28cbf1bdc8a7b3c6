"""The commands on users, the last admin, and what others may not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.errors import EmailTaken, Invalid, NotFound, NotPermitted, Stale, UsernameTaken
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Kind, Role, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.user_query import UserQuery
from taskmgr.domain.services import Services
from tests.answers import assert_log_tells_of, log_of, mistakes, not_permitted, refused
from tests.factories import NOW, SYSTEM, Clock

MakeTask = Callable[..., Task]
MakeUser = Callable[..., User]


# --- creating


def test_a_new_user_is_an_active_person_and_a_member(services: Services, admin: Actor) -> None:
    user = services.users.create(username="Ada", name="Ada Lovelace", by=admin)
    assert (user.username, user.email, user.role, user.kind) == ("ada", None, Role.MEMBER, Kind.PERSON)
    assert (user.active, user.created_at, user.version) == (True, NOW, 1)
    assert services.users.get(user.id, by=admin) == user


def test_a_new_user_has_what_was_given(services: Services, admin: Actor) -> None:
    user = services.users.create(
        username="bot", name="Bot", email="Bot@example.org", role="manager", kind="service", by=admin
    )
    assert (user.email, user.role, user.kind) == ("Bot@example.org", Role.MANAGER, Kind.SERVICE)


def test_a_creation_is_logged_with_everything(services: Services, admin: Actor) -> None:
    user = services.users.create(username="ada", name="Ada", by=admin)
    (entry,) = log_of(services, user.id)
    assert (entry.entity, entry.kind, entry.by) == ("user", "user.created", admin.id)
    assert (entry.before, entry.after) == ({}, logged_fields(user))


def test_a_username_and_a_name_are_required(services: Services, admin: Actor) -> None:
    assert mistakes(lambda: services.users.create(by=admin)) == [
        ("username", "required"),
        ("name", "required"),
    ]


def test_all_mistakes_of_a_new_user_are_told_at_once(services: Services, admin: Actor) -> None:
    def create() -> User:
        return services.users.create(
            username="me", name="", email="x", role="boss", kind="cat", active=True, by=admin
        )

    assert [place for place, _ in mistakes(create)] == [
        "username",
        "name",
        "email",
        "role",
        "kind",
        "active",
    ]


def test_a_username_is_taken_whatever_its_case(services: Services, admin: Actor) -> None:
    services.users.create(username="ada", name="Ada", by=admin)
    with pytest.raises(UsernameTaken):
        services.users.create(username="ADA", name="Ada", by=admin)


@pytest.mark.parametrize(
    ("one", "other"), [("νικοσ@x.org", "ΝΙΚΟΣ@x.org"), ("straße@x.org", "STRASSE@x.org")]
)
def test_an_email_address_is_taken_whatever_its_spelling(
    one: str, other: str, services: Services, admin: Actor
) -> None:
    services.users.create(username="ada", name="Ada", email=one, by=admin)
    bob = services.users.create(username="bob", name="Bob", by=admin)
    with pytest.raises(EmailTaken):
        services.users.change(bob.id, {"email": other}, by=admin)


def test_a_script_lists_some_users_and_is_told_its_mistakes(services: Services, admin: Actor) -> None:
    for name in ("ada", "adam", "bert"):
        services.users.create(username=name, name=name.title(), by=admin)

    found = services.users.list(query=UserQuery(words=("Ad",), roles=("member",)), by=admin)  # type: ignore[arg-type]
    rows = services.users.list_with_tasks(query=UserQuery(usernames=("bert",)), by=admin).items

    assert [user.username for user in found.items] == ["ada", "adam"]
    assert [row.user.username for row in rows] == ["bert"]
    with pytest.raises(Invalid):
        services.users.list_with_tasks(query=UserQuery(words=("...",)), by=admin)


def test_an_email_address_is_taken_whatever_its_case(services: Services, admin: Actor) -> None:
    services.users.create(username="ada", name="Ada", email="ada@example.org", by=admin)
    with pytest.raises(EmailTaken):
        services.users.create(username="bob", name="Bob", email="ADA@example.org", by=admin)


def test_a_user_that_is_refused_leaves_no_entry(
    services: Services, admin: Actor, make_user: MakeUser
) -> None:
    make_user("ada")
    before = len(services.activity.list(by=admin).items)
    with pytest.raises(UsernameTaken):
        make_user("ada")
    assert len(services.activity.list(by=admin).items) == before


def test_a_dry_run_of_a_creation_leaves_nothing(services: Services, admin: Actor) -> None:
    user = services.users.create(username="ada", name="Ada", by=admin, dry_run=True)
    with pytest.raises(NotFound):
        services.users.get(user.id, by=admin)


def test_a_dry_run_finds_that_a_name_is_taken(services: Services, admin: Actor, make_user: MakeUser) -> None:
    make_user("ada")
    with pytest.raises(UsernameTaken):
        services.users.create(username="ada", name="Ada", by=admin, dry_run=True)


# --- changing


def test_a_change_is_one_version_and_one_entry(
    services: Services, make_user: MakeUser, admin: Actor, clock: Clock
) -> None:
    user = make_user("ada")
    now = clock.advance(hours=1)
    changes = {"name": "Ada L.", "role": "manager", "email": "ada@example.org"}
    after = services.users.change(user.id, changes, by=admin)
    assert after == replace(
        user, name="Ada L.", role=Role.MANAGER, email="ada@example.org", updated_at=now, version=2
    )
    assert log_of(services, user.id)[-1].kind == "user.changed"
    assert_log_tells_of(services, after)


def test_a_change_to_what_already_is_changes_nothing(services: Services, make_user: MakeUser) -> None:
    user = make_user("ada")
    assert services.users.change(user.id, {"name": "Ada", "role": "member"}, by=SYSTEM) == user
    assert len(log_of(services, user.id)) == 1


def test_a_change_of_a_stale_version_is_not_made(services: Services, make_user: MakeUser) -> None:
    user = make_user("ada")
    with pytest.raises(Stale) as caught:
        services.users.change(user.id, {"name": "Other"}, by=SYSTEM, version=2)
    assert caught.value.current == user


def test_a_user_keeps_their_own_name_and_address(services: Services, make_user: MakeUser) -> None:
    user = make_user("ada", email="ada@example.org")
    after = services.users.change(user.id, {"email": "ADA@example.org", "username": "Ada"}, by=SYSTEM)
    assert (after.email, after.username) == ("ADA@example.org", "ada")


def test_an_address_that_was_given_up_is_free(services: Services, make_user: MakeUser) -> None:
    user = make_user("ada", email="ada@example.org")
    services.users.change(user.id, {"email": None}, by=SYSTEM)
    assert make_user("bob", email="ada@example.org").email == "ada@example.org"


def test_nobody_takes_anothers_name_or_address(services: Services, make_user: MakeUser) -> None:
    make_user("ada", email="ada@example.org")
    bob = make_user("bob")
    with pytest.raises(UsernameTaken):
        services.users.change(bob.id, {"username": "ada"}, by=SYSTEM)
    with pytest.raises(EmailTaken):
        services.users.change(bob.id, {"email": "Ada@example.org"}, by=SYSTEM)


def test_a_deactivated_user_keeps_their_tasks_and_their_name(
    services: Services, make_user: MakeUser, make_task: MakeTask
) -> None:
    ada = make_user("ada")
    task = make_task(assignee_id=ada.id)
    services.users.change(ada.id, {"active": False}, by=SYSTEM)
    assert services.tasks.get(task.id, by=SYSTEM).assignee_id == ada.id
    assert services.users.get(ada.id, by=SYSTEM).username == "ada"
    with pytest.raises(UsernameTaken):
        make_user("ada")


def test_a_deactivated_user_acts_no_more(services: Services, make_user: MakeUser) -> None:
    ada = make_user("ada")
    assert services.actor("ada") == Actor.of(ada)
    services.users.change(ada.id, {"active": False}, by=SYSTEM)
    with pytest.raises(NotPermitted):
        services.actor("ada")


@pytest.mark.parametrize("name", ["Ada", "ADA", " ada "])
def test_who_acts_may_be_named_in_any_case(name: str, services: Services, make_user: MakeUser) -> None:
    ada = make_user("ada")
    assert services.actor(name) == Actor.of(ada)


def test_nobody_acts_who_is_not_there(services: Services) -> None:
    with pytest.raises(NotFound):
        services.actor("nobody")


# --- who may


def test_only_admins_make_and_change_users(
    services: Services, make_user: MakeUser, manager: Actor, member: Actor, viewer: Actor
) -> None:
    ada = make_user("ada")
    for by in (manager, member, viewer):
        not_permitted(lambda: services.users.create(username="bob", name="Bob", by=by))  # noqa: B023
        not_permitted(lambda: services.users.change(ada.id, {"name": "Other"}, by=by))  # noqa: B023
        not_permitted(lambda: services.users.change(ada.id, {"active": False}, by=by))  # noqa: B023


def test_ones_own_name_and_address_are_ones_own(
    services: Services, manager: Actor, member: Actor, viewer: Actor
) -> None:
    for by in (manager, member, viewer):
        after = services.users.change(by.id, {"name": "Me", "email": f"me-{by.role.value}@x"}, by=by)
        assert after.email == f"me-{by.role.value}@x"


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "admin"},
        {"username": "boss"},
        {"active": False},
        {"kind": "service"},
        {"name": "x", "role": "admin"},
    ],
)
def test_nobody_raises_their_own_role_or_changes_more_than_the_profile(
    services: Services, manager: Actor, member: Actor, changes: dict[str, Any]
) -> None:
    for by in (manager, member):
        not_permitted(lambda: services.users.change(by.id, changes, by=by))  # noqa: B023


# --- the last admin


@pytest.mark.parametrize(
    "changes", [{"role": "manager"}, {"active": False}, {"role": "member", "active": False}]
)
def test_the_last_active_admin_stays_one(services: Services, admin: Actor, changes: dict[str, Any]) -> None:
    for by in (admin, SYSTEM):
        assert refused(lambda: services.users.change(admin.id, changes, by=by)) == ["last_admin"]  # noqa: B023
    assert services.users.get(admin.id, by=admin).is_active_admin


def test_an_inactive_admin_is_not_another_one(services: Services, admin: Actor, make_user: MakeUser) -> None:
    other = make_user("other", role=Role.ADMIN)
    services.users.change(other.id, {"active": False}, by=admin)
    assert refused(lambda: services.users.change(admin.id, {"active": False}, by=admin)) == ["last_admin"]


def test_with_another_admin_one_may_go(services: Services, admin: Actor, make_user: MakeUser) -> None:
    other = make_user("other", role=Role.ADMIN)
    assert services.users.change(admin.id, {"role": "member"}, by=admin).role is Role.MEMBER
    assert refused(lambda: services.users.change(other.id, {"role": "member"}, by=SYSTEM)) == ["last_admin"]


def test_the_last_admin_may_change_otherwise(services: Services, admin: Actor) -> None:
    assert services.users.change(admin.id, {"name": "Boss"}, by=admin).name == "Boss"


def test_an_inactive_admin_may_be_demoted(services: Services, admin: Actor, make_user: MakeUser) -> None:
    other = make_user("other", role=Role.ADMIN)
    services.users.change(other.id, {"active": False}, by=admin)
    assert services.users.change(other.id, {"role": "member"}, by=admin).role is Role.MEMBER


# --- reading, and e-mail addresses


def test_users_are_got_by_id_and_name_and_in_numbers(
    services: Services, make_user: MakeUser, viewer: Actor
) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    assert services.users.get(ada.id, by=viewer) == ada
    assert services.users.get_by_username("ada", by=viewer) == ada
    assert services.users.get_many([ada.id, bob.id], by=viewer) == {ada.id: ada, bob.id: bob}
    assert services.users.find_keys(["ada", bob.id, "nobody"], by=viewer) == {"ada": ada.id, bob.id: bob.id}


def test_others_email_addresses_are_hidden_wherever_a_user_is_read(
    services: Services, make_user: MakeUser, member: Actor
) -> None:
    ada = make_user("ada", email="ada@example.org")
    hidden = replace(ada, email=None)
    assert services.users.get(ada.id, by=member) == hidden
    assert services.users.get_by_username("ada", by=member) == hidden
    assert services.users.get_many([ada.id], by=member) == {ada.id: hidden}
    assert hidden in services.users.list(by=member).items
    assert hidden in [row.user for row in services.users.list_with_tasks(by=member).items]


def test_ones_own_email_address_is_not_hidden(services: Services, member: Actor) -> None:
    assert services.users.get(member.id, by=member).email == "member@example.org"
    (own,) = services.users.list(by=member).items
    assert own.email == "member@example.org"


def test_managers_see_every_email_address(services: Services, member: Actor, manager: Actor) -> None:
    assert services.users.get(member.id, by=manager).email == "member@example.org"


def test_email_addresses_are_hidden_in_the_log_too(
    services: Services, make_user: MakeUser, member: Actor, manager: Actor
) -> None:
    ada = make_user("ada", email="ada@example.org")
    services.users.change(ada.id, {"email": "lovelace@example.org", "name": "Ada L."}, by=SYSTEM)
    query = ActivityQuery(entity_id=ada.id)
    changed, created = services.activity.list(query, by=member).items
    assert (created.after["email"], created.after["username"]) == (None, "ada")
    assert changed.before == {"email": None, "name": "Ada"}
    assert changed.after == {"email": None, "name": "Ada L."}
    changed, created = services.activity.list(query, by=manager).items
    assert (created.after["email"], changed.after["email"]) == ("ada@example.org", "lovelace@example.org")
    own = services.activity.list(query, by=Actor.of(ada)).items
    assert own[1].after["email"] == "ada@example.org"


def test_users_come_with_their_open_tasks_first(
    services: Services, make_user: MakeUser, make_task: MakeTask, viewer: Actor
) -> None:
    ada = make_user("ada")
    late = make_task(assignee_id=ada.id, due_date="2026-12-02")
    closed = make_task(assignee_id=ada.id, due_date="2026-01-01", status="cancelled", reason="No.")
    soon = make_task(assignee_id=ada.id, due_date="2026-12-01")
    row = services.users.list_with_tasks(tasks_limit=2, by=viewer).items[0]
    assert (list(row.tasks), row.tasks_total) == ([soon, late], 3)
    row = services.users.list_with_tasks(tasks_limit=3, by=viewer).items[0]
    assert list(row.tasks) == [soon, late, closed]


def test_users_are_walked_through_page_by_page(services: Services, make_user: MakeUser) -> None:
    for name in ("cyd", "ada", "bob"):
        make_user(name)
    first = services.users.list(PageRequest(limit=2), by=SYSTEM)
    second = services.users.list(PageRequest(limit=2, after=first.next), by=SYSTEM)
    assert [user.username for user in (*first.items, *second.items)] == ["ada", "bob", "cyd"]


# --- the log as a whole


def test_the_log_tells_of_users_and_tasks_newest_first(
    services: Services, make_user: MakeUser, make_task: MakeTask, viewer: Actor, clock: Clock
) -> None:
    ada = make_user("ada")
    clock.advance(minutes=1)
    task = make_task()
    found = services.activity.list(by=viewer).items
    assert [(entry.entity, entry.entity_id) for entry in found] == [
        ("task", task.id),
        ("user", ada.id),
        ("user", viewer.id),
    ]


def test_the_log_of_a_task_is_its_own(services: Services, make_task: MakeTask, viewer: Actor) -> None:
    make_task()
    task = make_task()
    (entry,) = services.activity.of_task(task.id, by=viewer).items
    assert (entry.entity_id, entry.version) == (task.id, 1)


def test_the_log_is_walked_through_page_by_page(
    services: Services, make_task: MakeTask, store: Store
) -> None:
    task = make_task()
    for number in range(4):
        services.tasks.change(task.id, {"title": f"{number}"}, by=SYSTEM)
    versions = []
    page_request = PageRequest(limit=2)
    while True:
        page = services.activity.of_task(task.id, page_request, by=SYSTEM)
        versions += [entry.version for entry in page.items]
        if page.next is None:
            break
        page_request = replace(page_request, after=page.next)
    assert versions == [5, 4, 3, 2, 1]
