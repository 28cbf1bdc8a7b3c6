"""Describes the headers of responses and of requests."""

from __future__ import annotations

from typing import Any

from taskmgr.api.identity.rate_limit import WINDOW
from taskmgr.domain.history.feed_position import PATTERN as POSITION

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_TRUE = {"type": "string", "const": "true"}


def _header(description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": schema, **more}


HEADERS: dict[str, dict[str, Any]] = {
    "ETag": _header(
        "The version of the entity, in quotes; for a list, an opaque tag that changes when the list does.",
        {**_TEXT, "examples": ['"7"']},
    ),
    "Location": _header("The path of the new entity; missing in a dry run.", _TEXT),
    "Dry-Run": _header("Sent if the request had `dry_run=true`: nothing was stored.", _TRUE),
    "Idempotent-Replayed": _header(
        "Sent if this is the response to an earlier request with the same `Idempotency-Key`.", _TRUE
    ),
    "X-Request-Id": _header(
        "The request's id in the service's log: the caller's own, or a new one.", _TEXT, required=True
    ),
    "Retry-After": _header("The number of seconds to wait before the next attempt.", _WHOLE),
    "WWW-Authenticate": _header("The scheme to use.", {**_TEXT, "examples": ['Bearer realm="taskmgr"']}),
    "RateLimit-Limit": _header(
        f"The number of requests that a token may make in a window of {WINDOW:.0f} seconds. Each worker "
        "process counts separately, and counts every request whose token has the required scopes, "
        "whatever the response is. Missing if the service has no limit.",
        _WHOLE,
    ),
    "RateLimit-Remaining": _header("The number of requests left in this window, on this worker.", _WHOLE),
    "RateLimit-Reset": _header("The number of seconds until the current window ends.", _WHOLE),
}
RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def sent(*names: str) -> dict[str, dict[str, str]]:
    """Returns the headers of a response by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key gets the first response again, for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$", "examples": ["order-4711"]},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": 'The version that the caller expects, as an ETag such as `"7"`; or `*` for any. '
    "If it is not the current one, the response is 412.",
    "schema": {
        "type": "string",
        "pattern": '^((W/)?"[1-9][0-9]{0,18}(-[0-9a-z-]+)?"|[*])$',
        "examples": ["*"],
    },
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that the caller has. If it is still the current one, the response is 304.",
    "schema": {"type": "string", "examples": ['"41"']},
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The `id` of the last event that the client has; it takes precedence over `since`.",
    "schema": {"type": "string", "pattern": POSITION, "examples": ["0"]},
}
