"""Users (people and programs) and actors, which are users or system processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.ranked import Ranked
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.token import Scope, Token


class Role(Ranked):
    """The role of a user; every role has the rights of those before it (see `rules/permissions.py`)."""

    VIEWER = "viewer"
    MEMBER = "member"
    MANAGER = "manager"
    ADMIN = "admin"


class Kind(StrEnum):
    """Whether a user is a person or a program."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(kw_only=True, slots=True)
class User:
    """A user. Users are never deleted, only deactivated, so that the log can always name them.

    `email` is None if the user has none, or if the actor who reads the user may not see it.
    `password_set_at` is None if the user has never chosen a password.
    """

    id: str
    username: str
    name: str
    email: str | None
    role: Role
    kind: Kind
    active: bool
    created_at: datetime
    updated_at: datetime
    version: int
    password_set_at: datetime | None = None

    @property
    def is_active_admin(self) -> bool:
        return self.active and self.role is Role.ADMIN

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> User:
        """Returns this user with other values, as its next version."""
        return replace(self, **changes, updated_at=now, version=self.version + 1)


PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "username": values.username,
    "name": values.person_name,
    "email": parsing.optional(values.email),
    "role": parsing.one_of(Role),
    "kind": parsing.one_of(Kind),
    "active": values.boolean,
}


def _process_name(value: object) -> str:
    return values.text(value, min_length=1, max_length=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The user or the named system process that acts; only a user has a `user_id`.

    `token_id` is the token in use, if any. `scopes` are the scopes of that token, which restrict the rights
    of the role; None means no restriction. `until` is when the token expires; None means never. `session_id`
    is the session in use, if any, and `signed_in_at` is when it began.
    """

    id: str
    role: Role
    user_id: str | None = None
    scopes: frozenset[str] | None = None
    until: datetime | None = None
    token_id: str | None = None
    session_id: str | None = None
    signed_in_at: datetime | None = None

    @classmethod
    def of(cls, user: User, credential: Token | Session | None = None) -> Actor:
        """Returns the user as an actor, with the token or the session in use; a token may restrict it."""
        plain = cls(id=user.id, role=user.role, user_id=user.id)
        if credential is None:
            return plain
        if isinstance(credential, Session):
            return replace(plain, session_id=credential.id, signed_in_at=credential.created_at)
        token = credential
        scopes = None if token.scopes is None else frozenset(token.scopes)
        return replace(plain, scopes=scopes, until=token.expires_at, token_id=token.id)

    def holds(self, scope: Scope) -> bool:
        """Returns whether the token includes this scope; without a token every scope is included."""
        return self.scopes is None or scope.value in self.scopes

    @classmethod
    def system(cls, name: str) -> Actor:
        """Returns the actor of a system process, such as `system:nightly-triage`.

        It has the rights of an admin, but the rules apply to it, too. Raises `Invalid` for a bad name.
        """
        fields = parsing.parse_fields({"name": name}, {"name": _process_name})
        return cls(id=f"system:{fields['name']}", role=Role.ADMIN)


def require_actor(by: object) -> Actor:
    """Returns `by`. Raises `TypeError` if it is not an actor, for example if a script passes a name."""
    if isinstance(by, Actor):
        return by
    raise TypeError(
        'by= must be an actor, as returned by services.actor("ada") or services.system("nightly-triage"); '
        f"this is {by!r}."
    )
