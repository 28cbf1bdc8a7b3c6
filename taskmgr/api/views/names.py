"""Looks up the users and projects that parameters name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import actor, identity
from taskmgr.api.runtime import services
from taskmgr.domain.model.errors import FieldError
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.services.project_filters import unknown_project_text

Names = tuple[str, ...] | None
Ids = tuple[str | None, ...] | None


def find_users(named: Mapping[str, Names], place: str) -> tuple[dict[str, Any], list[FieldError]]:
    """Returns the ids for the ids, usernames and `me` in each parameter, and the mistake of each unknown one.

    `none` becomes None. `place` is where the request has the parameters.
    """
    wanted = {name for names in named.values() for name in names or () if not _names_no_user(name)}
    ids: dict[str, str] = {}
    if wanted:
        ids = {"me": identity().user.id, **services().users.find_keys(wanted - {"me"}, by=actor())}
    errors = [
        FieldError(location=f"{place}.{parameter}", code="unknown_user", detail=unknown_user_text(name))
        for parameter, names in named.items()
        for name in names or ()
        if name in wanted and name not in ids
    ]
    found = {
        parameter: names and ids_or_none(tuple(dict.fromkeys(ids.get(name, name) for name in names)))
        for parameter, names in named.items()
    }
    return found, errors


def find_projects(names: Names, place: str) -> tuple[Names, list[FieldError]]:
    """Returns the keys for the ids and keys of projects, and the mistake of each unknown one."""
    if names is None:
        return None, []
    keys = services().projects.find_keys(names, by=actor())
    errors = [
        FieldError(location=f"{place}.project", code="unknown_project", detail=unknown_project_text(name))
        for name in names
        if name not in keys
    ]
    return tuple(dict.fromkeys(keys.get(name, name) for name in names)), errors


def require_known(errors: Sequence[FieldError], place: str = "query") -> None:
    """Raises `malformed` for mistakes in the query, and `invalid` for those in the body."""
    if errors:
        kinds = " and ".join(_KINDS[code] for code in dict.fromkeys(error.code for error in errors))
        code, named_in = ("malformed", "query") if place == "query" else ("invalid", "body")
        raise ApiError(code, f"The {named_in} names unknown {kinds}; see `errors`.", errors=errors)


_KINDS = {"unknown_user": "users", "unknown_project": "projects"}


def known_projects(names: Names) -> Names:
    """Returns the keys of the projects that the parameter `project` names. Raises `malformed`."""
    keys, errors = find_projects(names, "query")
    require_known(errors)
    return keys


def ids_or_none(names: Names) -> Ids:
    """Replaces `none` by None."""
    return None if names is None else tuple(None if name == "none" else name for name in names)


def unknown_user_text(name: str) -> str:
    """Returns the message for an id or a username that no user has."""
    return f"Unknown user id: {name}." if is_identifier(name) else f"Unknown username: {name}."


def _names_no_user(name: str) -> bool:
    return name == "none" or name.startswith("system:")
