"""Handles the ETag of an entity, which is its version, and the preconditions that name a version."""

from __future__ import annotations

import re
from typing import Any

import orjson
from flask import Request, Response

from taskmgr.api.problems.codes import ApiError
from taskmgr.api.problems.responses import problem_response
from taskmgr.api.request_state import current_request

_HEADER = "header.If-Match"
_MAX_VERSION = 2**63 - 1
_TAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,18})(?:-[0-9a-z-]+)?"')


def etag(entity: Any, variant: str = "") -> dict[str, str]:
    """Returns the ETag header for the current version of an entity.

    `variant` distinguishes representations of one version, if callers see different ones:
    `"7-without-email"`. In a precondition only the version counts.
    """
    return {"ETag": f'"{entity.version}-{variant}"' if variant else f'"{entity.version}"'}


def expected_version(*others: int | None) -> int | None:
    """Returns the version that the caller expects, from `If-Match` or the other values; None for any.

    A weak tag is accepted, because proxies weaken tags. Raises `malformed` if `If-Match` is neither one
    version nor `*`, or if the request names different versions.
    """
    versions = {version for version in others if version is not None}
    header = current_request().environ.get("HTTP_IF_MATCH")
    if header is not None and header.strip() != "*":
        tag = _TAG.fullmatch(header.strip())
        if tag is None:
            raise ApiError.malformed(_HEADER, 'Must be one version, such as "7", or *.')
        versions.add(min(int(tag[1]), _MAX_VERSION))  # a larger number is just as stale
    if len(versions) > 1:
        location = "query.version" if header is None else _HEADER
        numbers = ", ".join(map(str, sorted(versions)))
        raise ApiError.malformed(location, f"The request names several versions: {numbers}.")
    return versions.pop() if versions else None


def has_preconditions(request: Request) -> bool:
    """Returns True for a GET or HEAD request with a precondition."""
    environ = request.environ
    has_header = "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MATCH" in environ
    return has_header and request.method in ("GET", "HEAD")


def apply_preconditions(request: Request, response: Response) -> Response:
    """Returns the response, or a 412 or 304 if `If-Match` or `If-None-Match` asks for that."""
    expected = expected_version()
    tag = _TAG.fullmatch(response.headers["ETag"])
    if expected is not None and tag is not None and tag[1] != str(expected):
        detail = f"Version {expected} was expected, but the current version is {tag[1]}."
        return problem_response("stale", detail, current=orjson.Fragment(response.get_data()))
    # werkzeug would compare a weakened `If-Match` strongly, so it only sees `If-None-Match`.
    environ = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    response.make_conditional(environ)
    return response
