"""Whoever changes users or tokens is judged inside the transaction, by the present token and owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.errors import NotFound, NotPermitted, Unauthenticated
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services import Services
from taskmgr.domain.services.current_rights import RecentSignInRequired
from tests.factories import SYSTEM, Clock

MakeUser = Callable[..., User]


@pytest.fixture
def ada(make_user: MakeUser) -> User:
    make_user("root", role=Role.ADMIN)
    return make_user("ada", role=Role.ADMIN)


@pytest.fixture
def caller(services: Services, ada: User) -> Actor:
    """Ada as she was recognised by a token, before anything happens to either."""
    made = services.tokens.create(name="laptop", expires_at="2026-03-10T13:00:00Z", user_id=ada.id, by=SYSTEM)
    identity = services.tokens.identify(made.text)
    assert identity is not None
    return identity.actor


def revoked(services: Services, caller: Actor, clock: Clock) -> None:
    services.tokens.revoke(str(caller.token_id), by=SYSTEM)


def expired(services: Services, caller: Actor, clock: Clock) -> None:
    clock.advance(hours=1)


def deactivated(services: Services, caller: Actor, clock: Clock) -> None:
    services.users.change(caller.id, {"active": False}, by=SYSTEM)


def demoted(services: Services, caller: Actor, clock: Clock) -> None:
    services.users.change(caller.id, {"role": "member"}, by=SYSTEM)


LOST = [revoked, expired, deactivated]
COMMANDS: dict[str, Callable[[Services, Actor], Any]] = {
    "creates a user": lambda services, by: services.users.create(username="eve", name="Eve", by=by),
    "changes their role": lambda services, by: services.users.change(by.id, {"role": "admin"}, by=by),
    "activates themselves": lambda services, by: services.users.change(by.id, {"active": True}, by=by),
    "changes their name": lambda services, by: services.users.change(by.id, {"name": "Eve"}, by=by),
    "makes a token": lambda services, by: services.tokens.create(
        name="x", expires_at="2026-03-10T12:30:00Z", by=by
    ),
    "makes another's token": lambda services, by: services.tokens.create(
        name="x", user_id=services.actor("root").id, expires_at="2026-03-10T12:30:00Z", by=by
    ),
    "revokes a token": lambda services, by: services.tokens.revoke(
        services.tokens.list(services.actor("root").id, by=SYSTEM)[0].id, by=by
    ),
}
OWN = ("changes their name", "makes a token")
every_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture
def a_token_of_roots(services: Services, ada: User) -> None:
    services.tokens.create(name="root's", user_id=services.actor("root").id, by=SYSTEM)


@every_command
@pytest.mark.parametrize("lost", LOST)
def test_whose_token_has_ended_since_changes_neither_users_nor_tokens(
    command: Callable[[Services, Actor], Any],
    lost: Callable[[Services, Actor, Clock], None],
    services: Services,
    caller: Actor,
    a_token_of_roots: None,
    clock: Clock,
    database: Database[Any],
) -> None:
    lost(services, caller, clock)
    before = {name: list(database[name].find()) for name in ("users", "tokens", "activity")}

    with pytest.raises(Unauthenticated):
        command(services, caller)

    assert {name: list(database[name].find()) for name in before} == before


@pytest.mark.parametrize("name", COMMANDS)
def test_who_has_been_demoted_since_has_the_rights_of_the_present_role(
    name: str, services: Services, caller: Actor, a_token_of_roots: None, clock: Clock
) -> None:
    demoted(services, caller, clock)

    if name in OWN:
        COMMANDS[name](services, caller)
    else:
        with pytest.raises(NotFound if name == "revokes a token" else NotPermitted):
            COMMANDS[name](services, caller)


@every_command
def test_an_actor_without_a_token_is_judged_as_given(
    command: Callable[[Services, Actor], Any], services: Services, ada: User, a_token_of_roots: None
) -> None:
    services.users.change(ada.id, {"role": "member"}, by=SYSTEM)

    command(services, Actor.of(ada))


# --- sessions


LASTING: dict[str, Callable[[Services, Actor], Any]] = {
    "raises a role": lambda services, by: services.users.change(
        services.actor("eve").id, {"role": "admin"}, by=by
    ),
    "activates somebody": lambda services, by: services.users.change(
        services.users.get_by_username("former", by=by).id, {"active": True}, by=by
    ),
}


@pytest.mark.parametrize("command", LASTING.values(), ids=LASTING)
def test_only_a_session_can_be_too_old_for_what_outlasts_it(
    command: Callable[[Services, Actor], Any],
    services: Services,
    ada: User,
    make_user: MakeUser,
    clock: Clock,
) -> None:
    make_user("eve")
    services.users.change(make_user("former").id, {"active": False}, by=SYSTEM)
    link = services.links.create(ada.id, by=SYSTEM)
    new = services.links.use(link.text, password="correct horse battery", visitor=Visitor())
    in_a_browser = services.sessions.identify(new.text)
    assert in_a_browser is not None
    clock.advance(minutes=10)

    with pytest.raises(RecentSignInRequired):
        command(services, in_a_browser.actor)
    command(services, Actor.of(ada))
