"""Gives lists an ETag and answers `If-None-Match`, without a query if nothing at all was written.

A list's ETag is `W/"<time>.<digest>"`. *Time* stands for the last write that the list includes: while
that is the last write of all, the list is unchanged. *Digest* stands for the content of the list, for
when something else was written. Either is enough for a 304. Both also depend on the request, the
caller, the policy and the release.

A list that depends on the clock can change without a write, so its ETag has no time. The view of any
other list passes the time to `record_list_version`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Set
from typing import Any, TypeVar

from flask import Request, Response, make_response
from werkzeug.datastructures import Headers

from taskmgr.api.request_state import current_request, identity, request_state
from taskmgr.api.runtime import current_runtime
from taskmgr.domain.model.policy import Policy
from taskmgr.version import __version__

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_has_list_etag"
_TIME_BYTES, _DIGEST_BYTES = 8, 16
_NO_TIME = "-"


def list_etag(view: F) -> F:
    """Adds an ETag to the list that a view returns, and answers 304 if the client has it already."""

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        request = current_request()
        context = _context(request)
        tags = request.if_none_match.as_set(include_weak=True)
        if any(not tag.startswith(_NO_TIME) for tag in tags):
            time = _time(context, current_runtime().services.health.latest_write())
            if time != _NO_TIME and (tag := _find_tag(tags, 0, time)) is not None:
                return _not_modified(tag)
        response = make_response(view(*args, **kwargs))
        state = request_state()
        time = _time(context, state.list_as_of)
        digest = _digest(context + (state.list_content or response.get_data()), _DIGEST_BYTES)
        if request.if_none_match.star_tag or _find_tag(tags, 1, digest) is not None:
            return _not_modified(f"{time}.{digest}")
        response.set_etag(f"{time}.{digest}", weak=True)
        return response

    setattr(wrapper, _ATTRIBUTE, True)
    return wrapper  # type: ignore[return-value]


def has_list_etag(view: Any) -> bool:
    """Returns True if the ETag of a view is that of a list, not of one version."""
    return getattr(view, _ATTRIBUTE, False)


def record_list_version(as_of: str | None, content: bytes | None = None) -> None:
    """Records the last write that the current request's list includes; None if the list depends on the clock.

    `content` determines the whole list; without it, the body of the response does.
    """
    state = request_state()
    state.list_as_of = as_of
    state.list_content = content


def list_etag_salt(policy: Policy) -> bytes:
    """Returns what ties ETags to the release and the policy in force."""
    return hashlib.blake2b(f"{__version__} {policy!r}".encode()).digest()


def _context(request: Request) -> bytes:
    """Returns everything but the stored data that a response depends on."""
    user, scopes = identity().user, identity().actor.scopes
    caller = user.id, user.role.value, None if scopes is None else sorted(scopes)
    context = repr((request.path, request.query_string, *caller))
    return context.encode() + current_runtime().list_etag_salt


def _time(context: bytes, as_of: str | None) -> str:
    return _NO_TIME if as_of is None else _digest(context + as_of.encode(), _TIME_BYTES)


def _digest(data: bytes, size: int) -> str:
    return hashlib.blake2b(data, digest_size=size).hexdigest()


def _find_tag(tags: Set[str], part: int, value: str) -> str | None:
    """Returns the tag that has this value as its time (part 0) or its digest (part 1)."""
    return next((tag for tag in tags if tag.partition(".")[2 * part] == value), None)


class _NotModified(Response):
    """A response without a body and without headers that describe one."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002
        """Returns the headers themselves; werkzeug would copy them to remove what is not among them."""
        return self.headers


def _not_modified(tag: str) -> Response:
    return _NotModified(status=304, headers={"ETag": f'W/"{tag}"'})
