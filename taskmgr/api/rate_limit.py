"""How many requests a minute a token may make, on each worker: enough for people, a bound for loops."""

from __future__ import annotations

import math
import time
from http import HTTPStatus

from flask import Flask, Response, g
from flask_limiter import HeaderNames, Limiter

# The limiter tells on every answer when to come again; that belongs on a refusal alone.
_OURS = "X-RateLimit-Retry-After"
_HEADERS = {
    HeaderNames.LIMIT: "RateLimit-Limit",
    HeaderNames.REMAINING: "RateLimit-Remaining",
    HeaderNames.RESET: "RateLimit-Reset",
    HeaderNames.RETRY_AFTER: _OURS,
}


def limit_rate(app: Flask, per_minute: int) -> None:
    """Limits every caller that has been identified; 0 is no limit.

    Counted in the worker's memory: a shared store would cost more than most requests. Must be
    called after identity has been hooked in.
    """
    if not per_minute:
        return
    app.after_request(_count_down)
    Limiter(
        lambda: str(g.identity.token.id),
        app=app,
        application_limits=[f"{per_minute} per minute"],
        application_limits_exempt_when=lambda: "identity" not in g,
        headers_enabled=True,
        header_name_mapping=_HEADERS,
        storage_uri="memory://",
        strategy="fixed-window",
    )


def _count_down(response: Response) -> Response:
    """The limiter tells a moment; the header's standard wants the seconds until then."""
    retry_after = response.headers.pop(_OURS, None)
    if retry_after is not None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = retry_after
    reset = response.headers.get("RateLimit-Reset", type=float)
    if reset is not None:
        response.headers["RateLimit-Reset"] = str(max(0, math.ceil(reset - time.time())))
    return response
