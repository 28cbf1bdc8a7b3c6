"""Answers a request that is sent again with the same `Idempotency-Key` with the first response."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from flask import Response, make_response, request

from taskmgr.api.input import strict_json
from taskmgr.api.input.limits import read_body
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import actor, may_read_response
from taskmgr.api.runtime import services
from taskmgr.domain.ports.idempotency import StoredResponse

F = TypeVar("F", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
_ATTRIBUTE = "_idempotent"
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_STORED_HEADERS = ("Content-Type", "Location", "ETag")


def idempotent(seconds: float | None = None) -> Callable[[F], F]:
    """Makes an endpoint store its response under the caller's key.

    `seconds` replaces the usual deadline of a command. A request that fails stores nothing, and a dry
    run ignores the key.
    """

    def decorate(view: F) -> F:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            key = _key()
            if key is None or request.args.get("dry_run") == "true":
                return view(*args, **kwargs)
            response, replayed = services().idempotency.run(
                key, _fingerprint(), lambda: _stored(view(*args, **kwargs)), by=actor(), seconds=seconds
            )
            return _restored(response, replayed=replayed)

        setattr(wrapper, _ATTRIBUTE, True)
        return wrapper  # type: ignore[return-value]

    return decorate


def is_idempotent(view: Any) -> bool:
    """Returns True if a view accepts the header."""
    return getattr(view, _ATTRIBUTE, False)


def _key() -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        detail = "Must be 1 to 255 printable ASCII characters without a space at either end."
        raise ApiError.malformed(f"header.{HEADER}", detail)
    return key


def _fingerprint() -> bytes:
    """Returns a digest that is equal for two requests that are the same.

    It covers the method, the path, the query, the meaning of the body, and whether the caller may see the
    whole response.
    """
    body = read_body()
    try:
        meaning = orjson.dumps(strict_json.parse(body), option=orjson.OPT_SORT_KEYS)
    except strict_json.Malformed:
        meaning = body
    target = f"{request.method} {request.path}?".encode() + request.query_string
    visibility = b"" if may_read_response() else b"\0receipt"
    return hashlib.sha256(target + b"\0" + meaning + visibility).digest()


def _stored(result: Any) -> StoredResponse:
    response = make_response(result)
    headers = {name: response.headers[name] for name in _STORED_HEADERS if name in response.headers}
    return StoredResponse(status=response.status_code, headers=headers, body=response.get_data())


def _restored(stored: StoredResponse, *, replayed: bool) -> Response:
    response = Response(stored.body, status=stored.status)
    response.headers.update(stored.headers)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
