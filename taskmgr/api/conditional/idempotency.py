"""`Idempotency-Key`: the same request, sent again, is answered with the first answer."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from flask import Response, make_response, request

from taskmgr.api.input import strict_json
from taskmgr.api.input.limits import whole_body
from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import actor, is_shown_all, services
from taskmgr.domain.model.errors import FieldError
from taskmgr.domain.ports.idempotency import StoredResponse

F = TypeVar("F", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
_ATTRIBUTE = "_idempotent"
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def idempotent(seconds: float | None = None) -> Callable[[F], F]:
    """Makes an endpoint remember its answer for a caller's key; `seconds` is its own deadline.

    A request that fails leaves nothing behind. A dry run ignores the key.
    """

    def wrap(view: F) -> F:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            key = _key()
            if key is None or request.args.get("dry_run") == "true":
                return view(*args, **kwargs)
            answer, replayed = services().idempotency.run(
                key, _fingerprint(), lambda: _stored(view(*args, **kwargs)), by=actor(), seconds=seconds
            )
            return _response(answer, replayed=replayed)

        setattr(wrapper, _ATTRIBUTE, True)
        return wrapper  # type: ignore[return-value]

    return wrap


def is_idempotent(view: Any) -> bool:
    """Whether a view takes the header."""
    return getattr(view, _ATTRIBUTE, False)


def _key() -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        detail = "Must be 1 to 255 printable ASCII characters, none of them a blank at an end."
        error = FieldError(location=f"header.{HEADER}", code="malformed", detail=detail)
        raise ApiError("malformed", f"{HEADER}: {detail}", errors=[error])
    return key


def _fingerprint() -> bytes:
    """What makes two requests the same: method, path, query, the body's meaning, and whether the
    caller is shown the whole answer."""
    body = whole_body()
    try:
        meaning = orjson.dumps(strict_json.parse(body), option=orjson.OPT_SORT_KEYS)
    except strict_json.Malformed:
        meaning = body
    target = f"{request.method} {request.path}?".encode() + request.query_string
    seen = b"" if is_shown_all() else b"\0receipt"
    return hashlib.sha256(target + b"\0" + meaning + seen).digest()


def _stored(answer: Any) -> StoredResponse:
    response = make_response(answer)
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return StoredResponse(status=response.status_code, headers=headers, body=response.get_data())


def _response(answer: StoredResponse, *, replayed: bool) -> Response:
    response = Response(answer.body, status=answer.status)
    response.headers.update(answer.headers)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
