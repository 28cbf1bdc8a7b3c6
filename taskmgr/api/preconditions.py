"""Versions on the wire: the ETag of one thing, and what `If-Match` asks of it."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from taskmgr.api.problems import ApiError
from taskmgr.domain.errors import FieldError

_TAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,18})"')


def etag(thing: Any) -> dict[str, str]:
    """The headers of an answer that is one thing: its version is its ETag."""
    return {"ETag": f'"{thing.version}"'}


def expected_version(given: int | None) -> int | None:
    """The version that the caller has seen, from `If-Match` or given otherwise; None for any.

    A proxy may have weakened the tag. Anything but one version or `*` is malformed, and so are
    two different versions.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return given
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise _malformed('Must be one version, such as "7", or *.')
    version = int(found[1])
    if given not in (None, version):
        raise _malformed(f"Names version {version}, but the request also names {given}.")
    return version


def _malformed(detail: str) -> ApiError:
    error = FieldError(location="header.If-Match", code="malformed", detail=detail)
    return ApiError("malformed", f"If-Match: {detail}", errors=[error])
