"""Reads what an endpoint expects from the decorators of its view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, Request

from taskmgr.api.conditional.list_tags import has_list_etag
from taskmgr.api.identity.scopes import RequiredScopes, required_scopes_of
from taskmgr.api.input.blueprint import has_arguments
from taskmgr.api.input.limits import DEFAULT_LIMITS, RequestLimits, limits_of

_View = TypeVar("_View", bound=Callable[..., Any])
_ACCEPTS_ANY_QUERY = "accepts_any_query"
_ACCEPTS_ANY_BODY = "accepts_any_body"


def accept_any_query(view: _View) -> _View:
    """Marks a view that reads the parameters itself, or the page whose own script does."""
    setattr(view, _ACCEPTS_ANY_QUERY, True)
    return view


def accept_any_body(view: _View) -> _View:
    """Marks a view that reads the body itself."""
    setattr(view, _ACCEPTS_ANY_BODY, True)
    return view


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an endpoint expects. `required_scopes` is None if it needs no token.

    `has_version` is True if its ETag is the version of an entity.
    """

    required_scopes: RequiredScopes | None = None
    limits: RequestLimits = DEFAULT_LIMITS
    has_query: bool = True
    has_body: bool = True
    has_version: bool = False


# For an unknown path, an unsupported method, and OPTIONS: no check applies.
_UNCHECKED = Endpoint()


def endpoint_of(app: Flask, request: Request) -> Endpoint:
    """Returns the endpoint of a request."""
    rule = request.url_rule
    if rule is None or request.method == "OPTIONS":
        return _UNCHECKED
    view = app.view_functions[rule.endpoint]
    required = required_scopes_of(view)
    return Endpoint(
        required_scopes=required,
        limits=limits_of(view),
        has_query=has_arguments(view, "query") or hasattr(view, _ACCEPTS_ANY_QUERY),
        has_body=has_arguments(view, "json") or hasattr(view, _ACCEPTS_ANY_BODY),
        has_version=required is not None and not has_list_etag(view),
    )
