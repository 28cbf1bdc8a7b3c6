"""Holds what is known about the current request from the first hook to the last."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Request, g, request

from taskmgr.domain.model.user import Actor
from taskmgr.domain.services.identity import Identity

if TYPE_CHECKING:
    from taskmgr.api.input.endpoint import Endpoint


@dataclass(slots=True)
class RequestState:
    """What the hooks and the view of one request share. `started` is a reading of `perf_counter`."""

    request_id: str
    started: float
    endpoint: Endpoint
    # Checks the caller's token and scopes; called again once a slow body has arrived.
    authorize: Callable[[], None] | None = None
    identity: Identity | None = None
    rate_limit_headers: tuple[tuple[str, str], ...] = ()
    store_deadline: AbstractContextManager[None] | None = None
    body: bytes | None = None
    # The codes of the rules that refused the command, for the log and the metrics.
    refusals: tuple[str, ...] = ()
    # For the ETag of a list: see `taskmgr.api.conditional.list_tags`.
    list_as_of: str | None = None
    list_content: bytes | None = None


def begin(state: RequestState) -> None:
    """Attaches the state to the current request."""
    g.request_state = state


def request_state() -> RequestState:
    """Returns the state of the current request."""
    return cast("RequestState", g.request_state)


def current_request() -> Request:
    """Returns the current request itself: Flask's proxy looks it up again for every attribute."""
    return request._get_current_object()  # type: ignore[attr-defined, no-any-return]


def identity() -> Identity:
    """Returns the caller's identity. Raises `RuntimeError` in an endpoint that needs no token."""
    caller = request_state().identity
    if caller is None:
        raise RuntimeError("No caller has been authenticated for this request.")
    return caller


def actor() -> Actor:
    """Returns the caller as an actor, for `by=`."""
    return identity().actor


def may_read_response() -> bool:
    """Returns True if the caller may see what the response shows.

    The response to a write shows what is stored, which requires the scope to read it.
    """
    state = request_state()
    required = state.endpoint.required_scopes
    if required is None or state.identity is None:
        return True
    scopes = state.identity.actor.scopes
    return scopes is None or required.to_read <= scopes
