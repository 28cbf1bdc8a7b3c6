"""How many requests a minute a token may make, on each worker: enough for people, a bound for loops.

Counted in the worker's memory, in windows that begin with a token's first request: a shared store
would cost more than most requests, and so did a library for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, g

from taskmgr.api.problems import ApiError

WINDOW = 60.0  # seconds
_MOST_KNOWN = 10_000


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0


@dataclass(slots=True)
class Counter:
    """Requests by token, each in its present window."""

    limit: int
    clock: Callable[[], float] = time.monotonic
    _windows: dict[str, _Window] = field(default_factory=dict)

    def count(self, token_id: str) -> tuple[int, int]:
        """Counts one: how many are left, below 0 beyond the limit, and the seconds until all are again."""
        now = self.clock()
        window = self._windows.get(token_id)
        if window is None or window.ends <= now:
            self._make_room(now)
            window = self._windows[token_id] = _Window(now + WINDOW)
        window.count += 1
        return self.limit - window.count, math.ceil(window.ends - now)

    def _make_room(self, now: float) -> None:
        if len(self._windows) >= _MOST_KNOWN:
            self._windows = {key: window for key, window in self._windows.items() if now < window.ends}


def limit_rate(app: Flask, per_minute: int) -> None:
    """Limits every caller that has been identified; 0 is no limit.

    Must be called after identity has been hooked in.
    """
    if not per_minute:
        return
    counter = Counter(per_minute)

    @app.before_request
    def count() -> None:
        if "identity" in g:
            left, reset = counter.count(g.identity.token.id)
            g.rate = max(0, left), reset
            if left < 0:
                text = f"A token may make {per_minute} requests a minute."
                raise ApiError("too_many_requests", text, headers={"Retry-After": str(reset)})

    @app.after_request
    def tell(response: Response) -> Response:
        if "rate" in g:
            left, reset = g.rate
            response.headers.extend(
                (
                    ("RateLimit-Limit", str(per_minute)),
                    ("RateLimit-Remaining", str(left)),
                    ("RateLimit-Reset", str(reset)),
                )
            )
        return response
