"""Refuses requests early when a worker already works on as many as it can."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import structlog

from taskmgr.api.input import strict_json
from taskmgr.api.problems.codes import CODES
from taskmgr.api.problems.responses import CONTENT_TYPE, type_uri
from taskmgr.metrics.instruments import IN_PROGRESS, OVERLOAD_REFUSALS

# Requests that one worker works on at once. With 2 to 5 ms of CPU each, they take up to a third of a second,
# and whoever came next would wait longer than that. The pool has more connections: 100.
MAX_WORKING = 64
RETRY_SECONDS = 1
_EXEMPT = frozenset({"/healthz", "/readyz"})
_CODE = "unavailable"
_DETAIL = "The service has too many requests at the moment. Nothing was changed. Try again later."
_LOG_INTERVAL = 1.0  # seconds

_log = structlog.get_logger("taskmgr.overload")

Application = Callable[..., Iterable[bytes]]


class Overload:
    """Counts the requests that are being worked on, and guards an application against too many.

    A request that waits for its body or for changes is not being worked on.
    """

    def __init__(self, max_working: int = MAX_WORKING) -> None:
        self._max_working = max_working
        self._working = 0
        self._next_log = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Leaves the current request out of the count inside the block."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def guard(self, application: Application) -> Application:
        """Returns the WSGI application, which refuses requests when there are too many."""

        def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if self._working >= self._max_working and environ["PATH_INFO"] not in _EXEMPT:
                self._report()
                return _refuse(environ, start_response)
            self._count(1)
            try:
                return application(environ, start_response)
            finally:
                self._count(-1)

        return respond

    def _count(self, change: int) -> None:
        self._working += change
        IN_PROGRESS.set(self._working)

    def _report(self) -> None:
        """Counts a refusal. The log has one line a second, because lines would add to the load."""
        OVERLOAD_REFUSALS.inc()
        now = time.monotonic()
        if now >= self._next_log:
            self._next_log = now + _LOG_INTERVAL
            _log.warning("overloaded: requests are refused", working=self._working)


def _refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    kind = CODES[_CODE]
    request_id = secrets.token_hex(8)
    body = strict_json.dumps(
        {
            "type": type_uri(_CODE),
            "title": kind.title,
            "status": kind.status,
            "code": _CODE,
            "detail": _DETAIL,
            "request_id": request_id,
        }
    )
    headers = [
        ("Content-Type", CONTENT_TYPE),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(RETRY_SECONDS)),
        ("Cache-Control", "no-store"),
        ("X-Request-Id", request_id),
    ]
    start_response(f"{kind.status} Service Unavailable", headers)
    return _Refusal(environ, body)


class _Refusal:
    """The body of a refusal, after which the connection rests: the next request is read later."""

    def __init__(self, environ: dict[str, Any], body: bytes) -> None:
        self._rests = "gunicorn.socket" in environ
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        """Is called by the server once the body has been sent."""
        if self._rests:
            gevent.sleep(RETRY_SECONDS)
