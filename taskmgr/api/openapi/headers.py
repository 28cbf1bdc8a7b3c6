"""The headers that answers carry and that requests may carry, as the document describes them."""

from __future__ import annotations

from typing import Any

from taskmgr.api.identity.rate_limit import WINDOW

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_TRUE = {"type": "string", "const": "true"}


def _header(description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": schema, **more}


HEADERS: dict[str, dict[str, Any]] = {
    "ETag": _header(
        "The version of the thing, in quotes; of a list, an opaque tag that changes when the list does.",
        {**_TEXT, "examples": ['"7"']},
    ),
    "Location": _header("The path of the new thing; missing in a dry run.", _TEXT),
    "Dry-Run": _header("Sent if `dry_run=true` was given: nothing has been kept.", _TRUE),
    "Idempotent-Replayed": _header(
        "Sent if this is the answer to an earlier request with the same `Idempotency-Key`.", _TRUE
    ),
    "X-Request-Id": _header(
        "The request's id in the service's log: the caller's own, or a new one.", _TEXT, required=True
    ),
    "Retry-After": _header("The number of seconds to wait before the next attempt.", _WHOLE),
    "WWW-Authenticate": _header("The scheme to use.", {**_TEXT, "examples": ['Bearer realm="taskmgr"']}),
    "RateLimit-Limit": _header(
        f"How many requests a token may make in a window of {WINDOW:.0f} seconds. Counted are all requests "
        "with that token whose scopes suffice, whatever they ask and however they are answered, by each "
        "worker process of the service for itself. Missing if the service has no limit.",
        _WHOLE,
    ),
    "RateLimit-Remaining": _header("How many requests are left in this window, on this worker.", _WHOLE),
    "RateLimit-Reset": _header("The number of seconds until the present window ends.", _WHOLE),
}
RATE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def sent(*names: str) -> dict[str, dict[str, str]]:
    """Returns the headers of a response by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Send the same key again to get the first answer again; kept for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$", "examples": ["order-4711"]},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": 'The version that the caller has seen, as an ETag such as `"7"`; or `*` for any. '
    "The answer is 412 if it is another.",
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
    "description": "The ETag of what the caller has: the answer is 304 if that is the present state.",
    "schema": {"type": "string", "examples": ['"41"']},
}
