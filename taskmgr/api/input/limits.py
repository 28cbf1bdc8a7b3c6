"""Bounds what one request costs: the bytes of its body, and its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Request
from gevent import Timeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import current_request, request_state
from taskmgr.api.runtime import current_runtime, services

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_request_limits"


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The size of the largest body in bytes, and two deadlines in seconds.

    `body_seconds` is for the body to arrive. `store_seconds` is for all calls of the database, before and
    after that.
    """

    max_body_bytes: int = 1024 * 1024
    body_seconds: float = 30.0
    store_seconds: float = 8.0


DEFAULT_LIMITS = RequestLimits()
_LEAST_STORE_SECONDS = 0.001  # because 0 would mean no deadline


def request_limits(*, max_body_bytes: int, body_seconds: float, store_seconds: float) -> Callable[[F], F]:
    """Gives an endpoint limits of its own."""

    def decorate(view: F) -> F:
        setattr(view, _ATTRIBUTE, RequestLimits(max_body_bytes, body_seconds, store_seconds))
        return view

    return decorate


def limits_of(view: Any) -> RequestLimits:
    """Returns the limits for requests of a view."""
    return cast("RequestLimits", getattr(view, _ATTRIBUTE, DEFAULT_LIMITS))


def read_body() -> bytes:
    """Returns the body of the current request. Nothing else may read it.

    Once the body has arrived, the caller is authorized again, because a right may have been lost in
    the meantime. Raises `too_large`, `request_timeout` and `malformed`.
    """
    state = request_state()
    if state.body is None:
        used = time.perf_counter() - state.started
        state.body = _receive(current_request(), state.endpoint.limits)
        # The client is responsible for the time that the body took, not the store.
        go_on_after_waiting(used)
    return state.body


def go_on_after_waiting(used: float = 0.0) -> None:
    """Restarts the store's deadline and authorizes the caller again, whose rights may have been lost.

    `used` is how many seconds of the new deadline are over.
    """
    start_store_deadline(used)
    authorize = request_state().authorize
    if authorize is not None:
        authorize()


def start_store_deadline(used: float = 0.0) -> None:
    """Starts the current request's deadline for the store, or restarts it; so many seconds of it are over."""
    end_store_deadline()
    state = request_state()
    seconds = max(_LEAST_STORE_SECONDS, state.endpoint.limits.store_seconds - used)
    state.store_deadline = services().health.deadline(seconds)
    state.store_deadline.__enter__()


def end_store_deadline() -> None:
    """Ends the current request's deadline for the store, if it has been started."""
    state = request_state()
    if state.store_deadline is not None:
        state.store_deadline.__exit__(None, None, None)
        state.store_deadline = None


class _BodyTimeout(Exception):
    """The body did not arrive in time.

    An `OSError` would make werkzeug believe that the client has disconnected, and only after an
    `Exception` does gunicorn stop reading requests from the connection.
    """


def _receive(request: Request, limits: RequestLimits) -> bytes:
    # werkzeug truncates a chunked body at the limit, so one byte more shows that it is too large.
    request.max_content_length = limits.max_body_bytes + 1
    try:
        with current_runtime().overload.waiting(), _timeout(limits.body_seconds, request):
            body = request.get_data()
    except HTTPException:
        raise
    except _BodyTimeout as error:
        detail = f"The body did not arrive within {limits.body_seconds:g} seconds."
        raise ApiError("request_timeout", detail) from error
    except Exception as error:  # gunicorn's parser raises its own errors for broken chunks
        raise ApiError.malformed("body", "The body ended before it was complete.") from error
    if len(body) > limits.max_body_bytes:
        raise RequestEntityTooLarge
    if request.content_length not in (None, len(body)):
        raise ApiError.malformed("body", "The body is shorter than Content-Length says.")
    return body


def _timeout(seconds: float, request: Request) -> AbstractContextManager[object]:
    """Returns a block that raises `_BodyTimeout` after this time, however many bytes arrive meanwhile.

    The body of a test client never waits, and a timer would create an event loop for its thread.
    """
    return Timeout(seconds, _BodyTimeout) if "gunicorn.socket" in request.environ else nullcontext()
