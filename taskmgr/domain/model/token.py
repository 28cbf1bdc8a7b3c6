"""Bearer tokens, with which programs act on behalf of users, and their scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import parse_instant
from taskmgr.domain.model.parsing import BadValue


class Scope(StrEnum):
    """A scope to which a token can be restricted; without scopes it has all rights of its owner's role."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ADMIN = "admin"


# A command that needs the scope for writing shows its result only to a token with the one for reading.
READ_SCOPE_OF = {Scope.TASKS_WRITE: Scope.TASKS_READ, Scope.USERS_WRITE: Scope.USERS_READ}


@dataclass(kw_only=True, slots=True)
class Token:
    """A token without its secret, which is shown once and never stored.

    `scopes` is None if the token has all rights of its owner's role. A token does not change between its
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
    """Returns the names of scopes, each once and at least one."""
    known = [scope.value for scope in Scope]
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise BadValue("wrong_type", "Must be a list of scopes.")
    scopes = list(value)
    for position, scope in enumerate(scopes):
        if scope not in known:
            raise parsing.not_allowed(known, within=str(position))
    if not scopes:
        raise BadValue(
            "blank", "Must have at least one scope; leave `scopes` out for all rights of the owner's role."
        )
    return tuple(dict.fromkeys(str(scope) for scope in scopes))


PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: values.text(value, min_length=1, max_length=values.MAX_TOKEN_NAME_LENGTH),
    "scopes": parsing.optional(parse_scopes),
    "expires_at": parsing.optional(parse_instant),
}
