"""Bounds what one request costs: the bytes of its body, and its time. Endpoints can have their own bounds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Request
from gevent import Timeout
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import notes, services, this_request
from taskmgr.domain.model.errors import FieldError

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_allowance"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The largest body in bytes, and two deadlines in seconds.

    `body_seconds` is for the body to arrive. `store_seconds` is for everything that is asked of the
    store before it has arrived, and again for everything after.
    """

    body_bytes: int = 1024 * 1024
    body_seconds: float = 30.0
    store_seconds: float = 8.0


USUAL = Allowance()


def allows(*, body_bytes: int, body_seconds: float, store_seconds: float) -> Callable[[F], F]:
    """Gives an endpoint an allowance of its own."""

    def mark(view: F) -> F:
        setattr(view, _ATTRIBUTE, Allowance(body_bytes, body_seconds, store_seconds))
        return view

    return mark


def allowance_of(view: Any) -> Allowance:
    """What a request of this view may take."""
    return cast("Allowance", getattr(view, _ATTRIBUTE, USUAL))


def whole_body() -> bytes:
    """Returns the whole body of the present request. The only place that reads a body.

    The caller is judged again once it has arrived, since a right may have been lost meanwhile. Raises
    `too_large`, `request_timeout` and `malformed`.
    """
    noted = notes()
    if "body" not in noted:
        noted.body = _received(this_request(), noted.endpoint.allowance)
        # The time in which the body arrived is the client's and not the store's.
        start_store_deadline()
        noted.judge_caller()
    return cast("bytes", noted.body)


def start_store_deadline() -> None:
    """Starts the present request's deadline for the store, or starts it again."""
    end_store_deadline()
    noted = notes()
    noted.store_deadline = services().health.deadline(noted.endpoint.allowance.store_seconds)
    noted.store_deadline.__enter__()


def end_store_deadline() -> None:
    """Ends the present request's deadline for the store, if it has been started."""
    deadline = notes().pop("store_deadline", None)
    if deadline is not None:
        deadline.__exit__(None, None, None)


class _BodyTooSlow(Exception):
    """The body did not arrive in time.

    Not an `OSError`, which werkzeug takes for a client that has gone, but an `Exception`: after one,
    gunicorn does not read another request from the connection.
    """


def _received(asked: Request, allowance: Allowance) -> bytes:
    most = allowance.body_bytes
    # werkzeug cuts a body in chunks at the limit instead of refusing it: one byte more tells.
    asked.max_content_length = most + 1
    try:
        with _within(allowance.body_seconds, asked):
            data = asked.get_data()
    except HTTPException:
        raise
    except _BodyTooSlow as error:
        told = f"The body did not arrive within {allowance.body_seconds:g} seconds."
        raise ApiError("request_timeout", told) from error
    except Exception as error:  # gunicorn's parser has errors of its own for broken chunks
        raise _malformed("The body cannot be read to its end.") from error
    if len(data) > most:
        raise RequestEntityTooLarge
    if asked.content_length not in (None, len(data)):
        raise _malformed("The body is shorter than Content-Length says.")
    return data


def _within(seconds: float, asked: Request) -> AbstractContextManager[object]:
    """Returns a block that raises `_BodyTooSlow` after this time, however many bytes arrive meanwhile.

    A test client's body is there already, and a timer would make an event loop for its thread.
    """
    return Timeout(seconds, _BodyTooSlow) if "gunicorn.socket" in asked.environ else nullcontext()


def _malformed(detail: str) -> ApiError:
    return ApiError(
        "malformed", detail, errors=[FieldError(location="body", code="malformed", detail=detail)]
    )
