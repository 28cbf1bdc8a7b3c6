"""Bearer tokens: who they speak for, how far, and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import WriteError

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.tokens import NewToken
from tests.answers import mistakes, not_permitted
from tests.factories import NOW, SYSTEM, Clock, an_id

MakeUser = Callable[..., User]


@pytest.fixture
def token(services: Services, member: Actor) -> NewToken:
    return services.tokens.create(name="laptop", by=member)


def narrowed(services: Services, by: Actor, *scopes: str, **given: Any) -> Actor:
    """The same actor by a token with these scopes."""
    made = services.tokens.create(name="narrow", scopes=list(scopes), by=by, **given)
    identity = services.tokens.identify(made.text)
    assert identity is not None
    return identity.actor


# --- recognised


def test_a_token_speaks_for_its_owner(services: Services, member: Actor, token: NewToken) -> None:
    identity = services.tokens.identify(token.text)
    assert identity is not None
    assert (identity.user.id, identity.credential) == (member.id, token.token)
    assert identity.actor == replace(member, token_id=token.token.id)


def test_a_token_with_scopes_speaks_for_no_more(services: Services, member: Actor) -> None:
    actor = narrowed(services, member, "tasks:read", "users:read")
    assert (actor.id, actor.scopes) == (member.id, {"tasks:read", "users:read"})


def test_a_token_carries_its_owners_present_role(services: Services, member: Actor, token: NewToken) -> None:
    services.users.change(member.id, {"role": "manager"}, by=SYSTEM)
    identity = services.tokens.identify(token.text)
    assert identity is not None
    assert identity.actor.role is Role.MANAGER


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "x",
        lambda text: text[:-1],
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: text.upper(),
        lambda text: text.replace("tm_", "xx_", 1),
        lambda text: text.replace("tm_", "", 1),
        lambda text: text.rpartition("_")[0] + "_",
        lambda text: f" {text}",
        lambda text: f"{text}\n",
        lambda _: "",
        lambda _: "_",
        lambda _: "tm__",
        lambda _: f"tm_{an_id()}_secret",
        lambda _: "tm_not-an-id_secret",
        lambda _: "tm_" + "0" * 24 + "_\ud800",
        lambda _: "x" * 100_000,
    ],
)
def test_another_text_speaks_for_nobody(
    services: Services, token: NewToken, spoil: Callable[[str], str]
) -> None:
    assert services.tokens.identify(spoil(token.text)) is None


def test_another_tokens_secret_is_none_of_this_ones(
    services: Services, member: Actor, token: NewToken
) -> None:
    other = services.tokens.create(name="other", by=member)
    mixed = f"tm_{token.token.id}_{other.text.split('_', 2)[2]}"
    assert services.tokens.identify(mixed) is None


def test_the_secret_is_stored_nowhere(database: Database[Any], token: NewToken) -> None:
    secret = token.text.split("_", 2)[2]
    everything = "".join(str(list(database[name].find())) for name in database.list_collection_names())
    assert secret not in everything
    assert token.token.id in everything


def test_a_token_expires(services: Services, member: Actor, clock: Clock) -> None:
    token = services.tokens.create(name="x", expires_at="2026-03-10T13:00:00Z", by=member)
    clock.advance(hours=1, milliseconds=-1)
    assert services.tokens.identify(token.text) is not None
    clock.advance(milliseconds=1)
    assert services.tokens.identify(token.text) is None


def test_a_deactivated_user_has_nothing_of_their_tokens(
    services: Services, member: Actor, token: NewToken
) -> None:
    services.users.change(member.id, {"active": False}, by=SYSTEM)
    assert services.tokens.identify(token.text) is None
    services.users.change(member.id, {"active": True}, by=SYSTEM)
    assert services.tokens.identify(token.text) is not None


def test_a_revoked_token_speaks_for_nobody(services: Services, member: Actor, token: NewToken) -> None:
    services.tokens.revoke(token.token.id, by=member)
    assert services.tokens.identify(token.text) is None


def test_a_token_is_revoked_by_its_id_or_its_text(services: Services, member: Actor) -> None:
    for named in (lambda made: made.token.id, lambda made: made.text, lambda made: made.text[:28]):
        made = services.tokens.create(name="lost", by=member)
        assert services.tokens.revoke(named(made), by=member) == made.token
        assert services.tokens.identify(made.text) is None


def test_the_use_of_a_token_is_noted_once_a_minute(
    services: Services, member: Actor, token: NewToken, clock: Clock
) -> None:
    def last_used() -> Any:
        services.tokens.identify(token.text)
        (one,) = services.tokens.list(by=member)
        return one.last_used_at

    assert last_used() == NOW
    clock.advance(seconds=59)
    assert last_used() == NOW
    clock.advance(seconds=1)
    assert last_used() == NOW + timedelta(minutes=1)


def test_a_wrong_secret_is_no_use(services: Services, member: Actor, token: NewToken) -> None:
    services.tokens.identify(f"tm_{token.token.id}_wrong")
    (one,) = services.tokens.list(by=member)
    assert one.last_used_at is None


# --- made, listed and revoked


def test_a_token_has_what_was_given(services: Services, member: Actor) -> None:
    made = services.tokens.create(
        name=" CI ", scopes=["tasks:read"], expires_at="2027-01-01T00:00:00+01:00", by=member
    )
    token = made.token
    assert (token.name, token.user_id, token.scopes) == ("CI", member.id, ("tasks:read",))
    assert (token.created_at, str(token.expires_at)) == (NOW, "2026-12-31 23:00:00+00:00")
    assert list(services.tokens.list(by=member)) == [token]


def test_all_mistakes_of_a_token_are_told_at_once(services: Services, member: Actor) -> None:
    def create() -> NewToken:
        return services.tokens.create(name="", scopes=[], expires_at="2026-12-01", secret="x", by=member)

    assert mistakes(create) == [
        ("name", "blank"),
        ("scopes", "blank"),
        ("expires_at", "bad_date"),
        ("secret", "unknown_field"),
    ]


def test_a_name_is_required(services: Services, member: Actor) -> None:
    assert mistakes(lambda: services.tokens.create(by=member)) == [("name", "required")]


@pytest.mark.parametrize("expires_at", ["2026-03-10T12:00:00Z", "1999-01-01T00:00:00Z"])
def test_a_token_ends_in_the_future(services: Services, member: Actor, expires_at: str) -> None:
    assert mistakes(lambda: services.tokens.create(name="x", expires_at=expires_at, by=member)) == [
        ("expires_at", "past")
    ]


def test_tokens_come_newest_first_and_only_ones_own(
    services: Services, member: Actor, manager: Actor, clock: Clock
) -> None:
    old = services.tokens.create(name="old", by=member)
    clock.advance(seconds=1)
    new = services.tokens.create(name="new", by=member)
    services.tokens.create(name="x", by=manager)
    assert list(services.tokens.list(by=member)) == [new.token, old.token]


def test_an_admin_makes_lists_and_revokes_tokens_for_others(
    services: Services, admin: Actor, member: Actor
) -> None:
    made = services.tokens.create(name="x", user_id=member.id, by=admin)
    assert made.token.user_id == member.id
    assert list(services.tokens.list(member.id, by=admin)) == [made.token]
    services.tokens.revoke(made.token.id, by=admin)
    assert list(services.tokens.list(member.id, by=admin)) == []


def test_nobody_else_does(services: Services, member: Actor, manager: Actor, token: NewToken) -> None:
    not_permitted(lambda: services.tokens.create(name="x", user_id=member.id, by=manager))
    not_permitted(lambda: services.tokens.list(member.id, by=manager))
    with pytest.raises(NotFound):
        services.tokens.revoke(token.token.id, by=manager)
    assert services.tokens.identify(token.text) is not None


def test_a_viewer_has_tokens_too(services: Services, viewer: Actor) -> None:
    assert services.tokens.create(name="x", by=viewer).token.user_id == viewer.id


def test_a_system_process_says_whose_token_it_makes(services: Services, member: Actor) -> None:
    assert mistakes(lambda: services.tokens.create(name="x", by=SYSTEM)) == [("user_id", "required")]
    assert services.tokens.create(name="x", user_id=member.id, by=SYSTEM).token.user_id == member.id


@pytest.mark.parametrize("no_id", ["", "x", "0" * 24])
def test_what_is_no_token_is_not_revoked(services: Services, admin: Actor, no_id: str) -> None:
    with pytest.raises(NotFound):
        services.tokens.revoke(no_id, by=admin)


@pytest.mark.parametrize("no_id", ["x", "0" * 24])
def test_there_is_no_token_for_nobody(services: Services, admin: Actor, no_id: str) -> None:
    with pytest.raises(NotFound):
        services.tokens.create(name="x", user_id=no_id, by=admin)


# --- no wider token


def test_a_token_makes_one_as_narrow_or_narrower(services: Services, member: Actor) -> None:
    by = narrowed(services, member, "tasks:read", "tasks:write")
    for scopes in (["tasks:read"], ["tasks:write", "tasks:read"]):
        assert services.tokens.create(name="x", scopes=scopes, by=by).token.scopes == tuple(scopes)


@pytest.mark.parametrize("scopes", [None, ["admin"], ["tasks:read", "users:read"]])
def test_a_token_makes_no_wider_one(services: Services, member: Actor, scopes: list[str] | None) -> None:
    by = narrowed(services, member, "tasks:read", "tasks:write")
    message = not_permitted(lambda: services.tokens.create(name="x", scopes=scopes, by=by))
    assert "tasks:read, tasks:write" in message


def test_a_token_makes_none_that_lasts_longer(services: Services, member: Actor, clock: Clock) -> None:
    until = clock() + timedelta(days=1)
    by = narrowed(services, member, "tasks:read", expires_at=until)

    for longer in ({}, {"expires_at": None}, {"expires_at": until + timedelta(seconds=1)}):
        message = not_permitted(
            lambda given=longer: services.tokens.create(name="x", scopes=["tasks:read"], by=by, **given)
        )
        assert message.endswith("which expires at 2026-03-11T12:00:00.000Z.")
    made = services.tokens.create(name="x", scopes=["tasks:read"], expires_at=until, by=by)
    assert made.token.expires_at == until


def test_an_admins_narrow_token_does_not_deal_with_others_tokens(
    services: Services, admin: Actor, member: Actor, token: NewToken
) -> None:
    by = narrowed(services, admin, "tasks:read")
    not_permitted(lambda: services.tokens.create(name="x", scopes=["tasks:read"], user_id=member.id, by=by))
    not_permitted(lambda: services.tokens.list(member.id, by=by))
    with pytest.raises(NotFound):
        services.tokens.revoke(token.token.id, by=by)


# --- logged


def logged(services: Services, by: Actor = SYSTEM) -> list[Change]:
    """The entries of tokens that the actor sees, newest first."""
    return list(services.activity.list(ActivityQuery(entity="token"), by=by).items)


def test_a_new_token_is_logged_without_its_secret(services: Services, admin: Actor, member: Actor) -> None:
    expires_at = NOW + timedelta(days=1)
    made = services.tokens.create(
        name="CI", scopes=["tasks:read"], expires_at=expires_at, user_id=member.id, by=admin
    )
    (entry,) = logged(services)
    assert (entry.entity_id, entry.kind, entry.version) == (made.token.id, "token.created", 1)
    assert (entry.by, entry.at, entry.before) == (admin.id, NOW, {})
    assert entry.after == {
        "user_id": member.id,
        "name": "CI",
        "scopes": ["tasks:read"],
        "created_at": NOW,
        "expires_at": expires_at,
    }


def test_a_revoked_token_is_logged_with_what_it_was(
    services: Services, admin: Actor, token: NewToken, clock: Clock
) -> None:
    clock.advance(seconds=1)
    services.tokens.revoke(token.token.id, by=admin)
    revoked, created = logged(services)
    assert (revoked.kind, revoked.version, revoked.by) == ("token.revoked", 2, admin.id)
    assert (revoked.at, revoked.entity_id) == (NOW + timedelta(seconds=1), token.token.id)
    assert (revoked.before, revoked.after) == (created.after, {})


def test_a_token_is_never_revoked_before_it_was_made(
    services: Services, member: Actor, token: NewToken, clock: Clock
) -> None:
    clock.advance(hours=-1)
    services.tokens.revoke(token.token.id, by=member)
    assert [entry.at for entry in logged(services)] == [NOW, NOW]


def test_the_use_of_a_token_is_not_logged(services: Services, token: NewToken) -> None:
    services.tokens.identify(token.text)
    assert [entry.kind for entry in logged(services)] == ["token.created"]


def test_a_refused_token_is_not_logged(services: Services, member: Actor, token: NewToken) -> None:
    by = narrowed(services, member, "tasks:read")
    before = logged(services)
    not_permitted(lambda: services.tokens.create(name="x", by=by))
    with pytest.raises(NotFound):
        services.tokens.revoke(an_id(), by=by)
    assert logged(services) == before


def test_a_token_that_cannot_be_logged_is_not_made_or_revoked(
    database: Database[Any], services: Services, member: Actor, token: NewToken
) -> None:
    rejecting = {"collMod": "activity", "validator": {"entity": {"$ne": "token"}}}
    database.command(rejecting)
    try:
        for command in (
            lambda: services.tokens.create(name="x", by=member),
            lambda: services.tokens.revoke(token.token.id, by=member),
        ):
            with pytest.raises(WriteError):
                command()
    finally:
        database.command({**rejecting, "validator": {}})
    assert list(services.tokens.list(by=member)) == [token.token]


@pytest.mark.parametrize("scopes", [None, ["admin", "tasks:read"]])
def test_an_admin_sees_the_log_of_all_tokens(
    services: Services, admin: Actor, token: NewToken, scopes: list[str] | None
) -> None:
    by = admin if scopes is None else narrowed(services, admin, *scopes)
    assert token.token.id in {entry.entity_id for entry in logged(services, by)}


def test_everybody_else_sees_the_log_of_their_own_tokens(
    services: Services, admin: Actor, manager: Actor, viewer: Actor, token: NewToken
) -> None:
    services.tokens.create(name="x", user_id=viewer.id, by=admin)
    made = services.tokens.create(name="x", by=manager)
    services.tokens.revoke(made.token.id, by=manager)
    narrow = narrowed(services, admin, "tasks:read", "users:read")

    def owners_in_log(by: Actor) -> list[tuple[str, Any]]:
        owners = [(entry.kind, {**entry.before, **entry.after}["user_id"]) for entry in logged(services, by)]
        assert [
            (entry.kind, entry.entity_id)
            for entry in services.activity.list(by=by).items
            if entry.entity == "token"
        ] == [(entry.kind, entry.entity_id) for entry in logged(services, by)]
        return owners

    assert owners_in_log(manager) == [("token.revoked", manager.id), ("token.created", manager.id)]
    assert owners_in_log(viewer) == [("token.created", viewer.id)]
    assert owners_in_log(narrow) == [("token.created", admin.id)]
