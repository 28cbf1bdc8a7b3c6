"""Declares which scopes an endpoint requires, and checks the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, cast

from flask import Flask

from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import actor
from taskmgr.domain.model.token import READ_SCOPE_OF, Scope

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_required_scopes"


@dataclass(frozen=True, slots=True)
class RequiredScopes:
    """The scopes that an endpoint requires: `always`, and `sometimes` if their condition holds.

    The response to a write is complete only for a caller who also has the scopes `to_read`.
    """

    always: frozenset[str]
    sometimes: Mapping[Scope, Callable[[], bool]]
    to_read: frozenset[str]

    def of_current_request(self) -> frozenset[str]:
        """Returns the scopes that the current request requires."""
        if not self.sometimes:
            return self.always
        return self.always | {scope.value for scope, applies in self.sometimes.items() if applies()}


def requires_scopes(
    *scopes: Scope, sometimes: Mapping[Scope, Callable[[], bool]] = MappingProxyType({})
) -> Callable[[F], F]:
    """Makes an endpoint require a token with all of these scopes; without any, every valid token is enough.

    `sometimes` has scopes that only some requests require, with the condition for each.
    """
    to_read = frozenset(READ_SCOPE_OF.get(scope, scope).value for scope in scopes)
    required = RequiredScopes(frozenset(scope.value for scope in scopes), sometimes, to_read)

    def decorate(view: F) -> F:
        setattr(view, _ATTRIBUTE, required)
        return view

    return decorate


def required_scopes_of(view: Any) -> RequiredScopes | None:
    """Returns what a view requires; None if it needs no token."""
    return cast("RequiredScopes | None", getattr(view, _ATTRIBUTE, None))


def scopes_of(app: Flask, endpoint: str) -> frozenset[str] | None:
    """Returns the scopes that every request of an endpoint requires; None if it needs no token."""
    required = required_scopes_of(app.view_functions[endpoint])
    return None if required is None else required.always


def ensure_scopes(needed: Set[str]) -> None:
    """Raises `scope_missing` unless the caller's token has all of these scopes."""
    scopes = actor().scopes
    if scopes is not None and not needed <= scopes:
        missing = sorted(needed - scopes)
        noun = "scope" if len(missing) == 1 else "scopes"
        raise ApiError("scope_missing", f"This requires a token with the {noun} {', '.join(missing)}.")
