"""Versions on the wire: the ETag of one thing, and what `If-Match` asks of it."""

from __future__ import annotations

import re
from typing import Any

import orjson
from flask import Request, Response

from taskmgr.api import problems
from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import this_request
from taskmgr.domain.model.errors import FieldError

_HEADER = "header.If-Match"
_LATEST = 2**63 - 1
_TAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,18})(?:-[0-9a-z-]+)?"')


def etag(thing: Any, view: str = "") -> dict[str, str]:
    """Returns the ETag header of an answer that is one thing: its version.

    `view` tells one representation of a version from another, where callers see different ones:
    `"7-without-email"`. As a precondition the version alone counts.
    """
    return {"ETag": f'"{thing.version}-{view}"' if view else f'"{thing.version}"'}


def expected_version(*given: int | None) -> int | None:
    """The version that the caller has seen, from `If-Match` or given otherwise; None for any.

    A proxy may have weakened the tag. Anything but one version or `*` is malformed, and so are
    two different versions.
    """
    named = {version for version in given if version is not None}
    header = this_request().environ.get("HTTP_IF_MATCH")
    if header is not None and header.strip() != "*":
        found = _TAG.fullmatch(header.strip())
        if found is None:
            raise _malformed('Must be one version, such as "7", or *.')
        named.add(min(int(found[1]), _LATEST))  # what is beyond it is as stale
    if len(named) > 1:
        told = f"The request names several versions: {', '.join(map(str, sorted(named)))}."
        raise _malformed(told, "query.version" if header is None else _HEADER)
    return named.pop() if named else None


def names_versions(asked: Request) -> bool:
    """Whether this is a question that names versions."""
    named = "HTTP_IF_NONE_MATCH" in asked.environ or "HTTP_IF_MATCH" in asked.environ
    return named and asked.method in ("GET", "HEAD")


def judged(asked: Request, response: Response) -> Response:
    """The answer to a question about one thing, where `If-Match` and `If-None-Match` let it through."""
    expected = expected_version()
    present = _TAG.fullmatch(response.headers["ETag"])
    if expected is not None and present is not None and present[1] != str(expected):
        detail = f"Version {expected} was expected."
        return problems.respond("stale", detail, current=orjson.Fragment(response.get_data()))
    # What is left is `If-None-Match`: the library would compare a weakened `If-Match` strongly.
    environ = {name: value for name, value in asked.environ.items() if name != "HTTP_IF_MATCH"}
    response.make_conditional(environ)
    return response


def _malformed(detail: str, location: str = _HEADER) -> ApiError:
    error = FieldError(location=location, code="malformed", detail=detail)
    return ApiError("malformed", f"{location.partition('.')[2]}: {detail}", errors=[error])
