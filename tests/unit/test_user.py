"""Users and actors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.user import PARSERS, Actor, Kind, Role
from tests.factories import NOW, a_token, a_user, an_id

LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("role", "active", "expected"),
    [
        (Role.ADMIN, True, True),
        (Role.ADMIN, False, False),
        (Role.MANAGER, True, False),
    ],
)
def test_an_active_admin_is_active_and_an_admin(role: Role, active: bool, expected: bool) -> None:
    assert a_user(role=role, active=active).is_active_admin is expected


def test_a_changed_user_has_the_next_version_and_is_updated_now() -> None:
    user = a_user()
    changed = user.changed({"name": "Ada", "role": Role.ADMIN}, now=LATER)
    assert (changed.name, changed.role, changed.version, changed.updated_at) == (
        "Ada",
        Role.ADMIN,
        2,
        LATER,
    )
    assert (changed.id, changed.created_at) == (user.id, user.created_at)


def test_a_user_acts_under_its_id_with_its_role() -> None:
    user = a_user(role=Role.MANAGER)
    token = a_token(scopes=("tasks:read",), expires_at=LATER)
    assert Actor.of(user, token) == Actor(
        id=user.id,
        role=Role.MANAGER,
        user_id=user.id,
        scopes=frozenset({"tasks:read"}),
        until=LATER,
        token_id=token.id,
    )


def test_a_system_process_acts_under_its_name_with_an_admins_rights() -> None:
    assert Actor.system(" nightly-triage ") == Actor(id="system:nightly-triage", role=Role.ADMIN)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb"])
def test_a_system_process_has_a_name(name: str) -> None:
    with pytest.raises(Invalid):
        Actor.system(name)


def test_nobody_can_pose_as_a_system_process() -> None:
    with pytest.raises(parsing.BadValue):
        PARSERS["username"]("system:cli")
    assert not values.is_identifier(Actor.system(an_id()).id)


def test_only_an_email_address_may_be_emptied() -> None:
    assert PARSERS["email"](None) is None
    for name in ("username", "name", "role", "kind", "active"):
        with pytest.raises(parsing.BadValue):
            PARSERS[name](None)


def test_roles_and_kinds_go_by_name() -> None:
    assert PARSERS["role"]("manager") is Role.MANAGER
    assert PARSERS["kind"]("service") is Kind.SERVICE
