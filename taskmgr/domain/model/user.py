"""The people and programs that tasks are assigned to, and whoever acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.ranked import Ranked
from taskmgr.domain.model.token import Scope, Token


class Role(Ranked):
    """What a user may do, from least to most; `permissions.py` has the table."""

    VIEWER = "viewer"
    MEMBER = "member"
    MANAGER = "manager"
    ADMIN = "admin"


class Kind(StrEnum):
    """Whether a user is somebody or some program."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(kw_only=True, slots=True)
class User:
    """Never deleted, only deactivated: what it made keeps its name. `email` is None where hidden."""

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

    @property
    def is_active_admin(self) -> bool:
        return self.active and self.role is Role.ADMIN

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> User:
        """This user with other values, one version on."""
        return replace(self, **changes, updated_at=now, version=self.version + 1)


PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "username": values.username,
    "name": values.person_name,
    "email": values.optional(values.email),
    "role": values.one_of(Role),
    "kind": values.one_of(Kind),
    "active": values.boolean,
}
CHANGEABLE = ("username", "name", "email", "role", "kind", "active")


def _process_name(value: object) -> str:
    return values.text(value, min_length=1, max_length=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts: a user (`user_id` is set) or a named system process (`system:nightly-triage`).

    `token_id` is the token used, if any. `scopes` narrows what the role allows to the scopes of that
    token; None is everything. `until` is when it expires; None is never.
    """

    id: str
    role: Role
    user_id: str | None = None
    scopes: frozenset[str] | None = None
    until: datetime | None = None
    token_id: str | None = None

    @classmethod
    def of(cls, user: User, token: Token | None = None) -> Actor:
        """Returns the user as one who acts, by a token of theirs or without one."""
        plain = cls(id=user.id, role=user.role, user_id=user.id)
        if token is None:
            return plain
        scopes = None if token.scopes is None else frozenset(token.scopes)
        return replace(plain, scopes=scopes, until=token.expires_at, token_id=token.id)

    def holds(self, scope: Scope) -> bool:
        """Returns whether the token used goes this far; without a token everything does."""
        return self.scopes is None or scope.value in self.scopes

    @classmethod
    def system(cls, name: str) -> Actor:
        """A system process, with an administrator's rights; guards still hold for it."""
        checked = values.parse_fields({"name": name}, {"name": _process_name})["name"]
        return cls(id=f"system:{checked}", role=Role.ADMIN)


def require_actor(by: object) -> Actor:
    """`by` itself. Raises `TypeError` for anything but an actor, such as a name: a script's mistake."""
    if isinstance(by, Actor):
        return by
    raise TypeError(
        'by= takes who acts, as services.actor("ada") or services.system("nightly-triage") '
        f"answers it; this is {by!r}."
    )
