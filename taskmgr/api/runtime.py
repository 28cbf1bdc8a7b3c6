"""Holds the parts of an application that are built once, and finds them for the current request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.services import Services

if TYPE_CHECKING:
    from taskmgr.api.conditional.cursors import Cursors
    from taskmgr.api.events.minder import StreamMinder
    from taskmgr.api.identity.cookies import Cookies
    from taskmgr.api.identity.origins import OwnOrigin
    from taskmgr.api.overload import Overload

_EXTENSION = "taskmgr"


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """The parts of one application. A part that views or schemas need becomes a field here."""

    services: Services
    cursors: Cursors
    streams: StreamMinder
    overload: Overload
    cookies: Cookies
    own_origin: OwnOrigin
    openapi_json: bytes
    # Part of every list's ETag, so that another release or policy invalidates all of them.
    list_etag_salt: bytes
    # Parsed queries by schema and query string; see `taskmgr.api.input.parsing`.
    parsed_queries: dict[tuple[Any, bytes], dict[str, Any]] = field(default_factory=dict)


def install(app: Flask, runtime: Runtime) -> None:
    """Makes the parts available to everything that handles a request of the application."""
    app.extensions[_EXTENSION] = runtime


def runtime_of(app: Flask) -> Runtime:
    """Returns the parts of an application."""
    runtime: Runtime = app.extensions[_EXTENSION]
    return runtime


def current_runtime() -> Runtime:
    """Returns the parts of the application that handles the current request."""
    return runtime_of(current_app)


def services() -> Services:
    """Returns the services of the current application."""
    return current_runtime().services


def policy() -> Policy:
    """Returns the policy in force."""
    return services().policy


def cursors() -> Cursors:
    """Returns what encodes and decodes the cursors of the current application."""
    return current_runtime().cursors
