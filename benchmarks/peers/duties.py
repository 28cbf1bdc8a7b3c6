"""What every peer does around its views, as taskmgr does: check a token, name the request, log a line.

Written as bare middleware, for WSGI and for ASGI, so that it costs as little as it can.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson
from bson import ObjectId

Row = dict[str, Any]

_CACHE_SECONDS = 0.9  # as in taskmgr/api/identity/callers.py
_UNAUTHENTICATED = b'{"status":401}'


class Callers:
    """Remembers which user a token belongs to, for less than a second."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[float, str]] = {}

    def get(self, header: str) -> str | None:
        """Returns the user's id, or None if the token has to be looked up."""
        expires, user_id = self._known.get(_digest(header), (0.0, ""))
        return user_id if time.monotonic() < expires else None

    def remember(self, header: str, token: Row | None, user: Row | None) -> str | None:
        """Returns the user's id if the stored token and user are those of the header, or None."""
        if token is None or user is None or not user["active"]:
            return None
        secret = header.split("_", 2)[2].encode()
        if not hmac.compare_digest(hashlib.sha256(secret).digest(), token["secret_hash"]):
            return None
        self._known[_digest(header)] = (time.monotonic() + _CACHE_SECONDS, str(user["_id"]))
        return str(user["_id"])


def _digest(header: str) -> bytes:
    return hashlib.sha256(header.encode()).digest()


def token_id(header: str) -> ObjectId:
    """Returns the id in `Bearer tm_<id>_<secret>`."""
    return ObjectId(header.split("_")[1])


def write_log(began: float, request_id: str, method: str, path: str, status: int, by: str | None) -> None:
    line = {
        "event": "request",
        "level": "info",
        "time": time.time(),
        "request_id": request_id,
        "method": method,
        "path": path,
        "status": status,
        "milliseconds": round(1000 * (time.perf_counter() - began), 1),
        "by": by,
    }
    sys.stderr.write(orjson.dumps(line).decode() + "\n")


def wsgi(application: Callable[..., Iterable[bytes]], database: Any) -> Callable[..., Iterable[bytes]]:
    """Returns a WSGI application with the duties; the database is pymongo's."""
    callers = Callers()

    def look_up(header: str) -> str | None:
        token = database["tokens"].find_one({"_id": token_id(header)})
        user = token and database["users"].find_one({"_id": token["user_id"]})
        return callers.remember(header, token, user)

    def respond(environ: Row, start_response: Callable[..., Any]) -> Iterable[bytes]:
        began, request_id, answered = time.perf_counter(), secrets.token_hex(8), 401

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            nonlocal answered
            answered = int(status[:3])
            return start_response(status, [*headers, ("X-Request-Id", request_id)], *more)

        header = environ.get("HTTP_AUTHORIZATION", "")
        caller = callers.get(header) or look_up(header)
        if caller is None:
            start("401 Unauthorized", [("Content-Length", str(len(_UNAUTHENTICATED)))])
            return [_UNAUTHENTICATED]
        environ["caller"] = caller
        body = application(environ, start)
        write_log(began, request_id, environ["REQUEST_METHOD"], environ["PATH_INFO"], answered, caller)
        return body

    return respond


def asgi(application: Callable[..., Awaitable[None]], database: Any) -> Callable[..., Awaitable[None]]:
    """Returns an ASGI application with the duties; the database is pymongo's asynchronous one."""
    callers = Callers()

    async def look_up(header: str) -> str | None:
        token = await database["tokens"].find_one({"_id": token_id(header)})
        user = token and await database["users"].find_one({"_id": token["user_id"]})
        return callers.remember(header, token, user)

    async def respond(scope: Row, receive: Any, send: Callable[[Row], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        began, request_id, answered = time.perf_counter(), secrets.token_hex(8), 401

        async def send_on(message: Row) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        header = dict(scope["headers"]).get(b"authorization", b"").decode()
        caller = callers.get(header) or await look_up(header)
        if caller is None:
            length = (b"content-length", str(len(_UNAUTHENTICATED)).encode())
            await send_on({"type": "http.response.start", "status": 401, "headers": [length]})
            await send({"type": "http.response.body", "body": _UNAUTHENTICATED})
            return
        scope["caller"] = caller
        await application(scope, receive, send_on)
        write_log(began, request_id, scope["method"], scope["path"], answered, caller)

    return respond
