"""Bearer tokens: how a program shows who it acts for, and how far it may go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.due_date import parse_instant
from taskmgr.domain.model.values import BadValue


class Scope(StrEnum):
    """What a token can be narrowed to; without named scopes it goes as far as its owner's role."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ADMIN = "admin"


# What it takes to be shown what one has written.
READ_SCOPE_OF = {Scope.TASKS_WRITE: Scope.TASKS_READ, Scope.USERS_WRITE: Scope.USERS_READ}


@dataclass(kw_only=True, slots=True)
class Token:
    """All of a token but its secret, which is shown once and never stored.

    `scopes` is None for everything that the owner's role allows. A token does not change between its
    creation and its revocation, so it has one version.
    """

    id: str
    user_id: str
    name: str
    scopes: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @property
    def version(self) -> int:
        """Returns the version of its entry in the log."""
        return 1

    @property
    def updated_at(self) -> datetime:
        """Returns when it was created."""
        return self.created_at

    def is_expired(self, *, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def parse_scopes(value: object) -> tuple[str, ...]:
    known = [scope.value for scope in Scope]
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise BadValue("wrong_type", "Must be a list of scopes.")
    given = list(value)
    for position, scope in enumerate(given):
        if scope not in known:
            raise BadValue(
                "not_allowed",
                f"Must be one of: {', '.join(known)}.",
                allowed=known,
                within=str(position),
            )
    if not given:
        raise BadValue("blank", "Name at least one scope, or leave scopes out for all.")
    return tuple(dict.fromkeys(str(scope) for scope in given))


PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: values.text(value, min_length=1, max_length=values.MAX_TOKEN_NAME_LENGTH),
    "scopes": values.optional(parse_scopes),
    "expires_at": values.optional(parse_instant),
}
