"""What one request may take: how many bytes, and how long. An endpoint can have its own measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from taskmgr.api.context import notes, this_request
from taskmgr.api.problems import ApiError
from taskmgr.domain.errors import FieldError

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_allowance"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The largest body in bytes, and the deadline in seconds for all that is asked of the store."""

    body_bytes: int = 1024 * 1024
    seconds: float = 8.0


USUAL = Allowance()


def allows(*, body_bytes: int, seconds: float) -> Callable[[F], F]:
    """Gives an endpoint an allowance of its own."""

    def mark(view: F) -> F:
        setattr(view, _ATTRIBUTE, Allowance(body_bytes, seconds))
        return view

    return mark


def allowance_of(view: Any) -> Allowance:
    """What a request of this view may take."""
    return cast("Allowance", getattr(view, _ATTRIBUTE, USUAL))


def whole_body() -> bytes:
    """The request's body, all of it.

    A body in chunks is cut at a limit and not refused, so one byte more is asked for; and one that
    breaks off may look whole.
    """
    asked = this_request()
    most = notes().endpoint.allowance.body_bytes
    asked.max_content_length = most + 1
    try:
        data = asked.get_data(cache=True)
    except HTTPException:
        raise
    except Exception as error:  # the server's parser, which has errors of its own for broken chunks
        raise _malformed("The body cannot be read to its end.") from error
    if len(data) > most:
        raise RequestEntityTooLarge
    if asked.content_length not in (None, len(data)):
        raise _malformed("The body is shorter than Content-Length says.")
    return data


def _malformed(detail: str) -> ApiError:
    return ApiError(
        "malformed", detail, errors=[FieldError(location="body", code="malformed", detail=detail)]
    )
