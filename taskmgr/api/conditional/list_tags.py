"""Lists that have not changed: an answer of 304, without a query where nothing at all was written.

A list's ETag is `W/"<time>.<digest>"`. *Time* stands for the last write that the list knows of; while
that is the last write of all, the list is as it was. *Digest* stands for the answer itself, for when
something else was written. Either is enough for a 304. Both are bound to what else an answer hangs
on: the request, who asks, the policy and the release.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Set
from typing import Any, TypeVar

from flask import Flask, Request, Response, make_response
from werkzeug.datastructures import Headers

from taskmgr.api.runtime import identity, notes, services, this_app, this_request
from taskmgr.domain.model.policy import Policy
from taskmgr.version import __version__

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "_conditional"
_SEAL = "taskmgr.seal"
_TIME_BYTES, _DIGEST_BYTES = 8, 16
_NO_TIME = "-"


def never() -> bool:
    """For a list that no clock changes."""
    return False


def always() -> bool:
    """For an answer that the clock may change at any time."""
    return True


def conditional(clocked: Callable[[], bool] = never) -> Callable[[F], F]:
    """Gives a list an ETag and answers `If-None-Match`.

    `clocked` tells the requests whose answer changes without a write, because it depends on the time
    of day: only the answer itself can tell whether these are the same.
    """

    def wrap(view: F) -> F:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            asked = this_request()
            bound, steady = _bound(asked), not clocked()
            given = asked.if_none_match
            known = given.as_set(include_weak=True)
            if known and steady:
                time = _time(bound, services().health.latest_write())
                if time != _NO_TIME and (same := _match(known, 0, time)) is not None:
                    return _not_modified(same)
            response = make_response(view(*args, **kwargs))
            noted = notes()
            time = _time(bound, noted.get("as_of")) if steady else _NO_TIME
            digest = _digest(bound + (noted.get("content") or response.get_data()), _DIGEST_BYTES)
            tag = f"{time}.{digest}"
            if given.star_tag or _match(known, 1, digest) is not None:
                return _not_modified(tag)
            response.set_etag(tag, weak=True)
            return response

        setattr(wrapper, _ATTRIBUTE, True)
        return wrapper  # type: ignore[return-value]

    return wrap


def seal(app: Flask, policy: Policy) -> None:
    """Binds the ETags of an application to the release and the policy in force."""
    app.extensions[_SEAL] = hashlib.blake2b(f"{__version__} {policy!r}".encode()).digest()


def is_conditional(view: Any) -> bool:
    """Whether a view is a list with an ETag."""
    return getattr(view, _ATTRIBUTE, False)


def _bound(asked: Request) -> bytes:
    """All but the stored data that an answer hangs on."""
    who, scopes = identity().user, identity().actor.scopes
    held = None if scopes is None else sorted(scopes)
    told = asked.path, asked.query_string, who.id, who.role.value, held
    return repr(told).encode() + bytes(this_app().extensions[_SEAL])


def note(as_of: str | None, content: bytes | None = None) -> None:
    """Tells of which moment the list is that the present request answers with.

    `content` is what the whole list follows from; without it, it is the answer that is compared.
    """
    noted = notes()
    noted.as_of = as_of
    noted.content = content


def _time(bound: bytes, told: str | None) -> str:
    if told is None:
        return _NO_TIME
    return _digest(bound + told.encode(), _TIME_BYTES)


def _digest(data: bytes, size: int) -> str:
    return hashlib.blake2b(data, digest_size=size).hexdigest()


def _match(tags: Set[str], part: int, wanted: str) -> str | None:
    """The one of these tags of which this part is as wanted."""
    return next((tag for tag in tags if tag.partition(".")[2 * part] == wanted), None)


class _NotModified(Response):
    """An answer without a body, and so without a header that tells of one."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002
        """As they are; werkzeug would copy them, to leave out what is not there."""
        return self.headers


def _not_modified(tag: str) -> Response:
    return _NotModified(status=304, headers={"ETag": f'W/"{tag}"'})
