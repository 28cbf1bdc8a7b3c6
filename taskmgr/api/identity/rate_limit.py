"""How many requests a minute a token may make, on each worker: enough for people, a bound for loops.

Counted in the worker's memory, in windows that begin with a token's first request: a shared store
would cost more than most requests, and so did a library for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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


class RateLimit:
    """Limits callers that have been identified; 0 is no limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._counter = Counter(per_minute)

    def count(self, noted: Any) -> None:
        """Counts a request, and notes the headers that tell how it stands. Raises `too_many_requests`."""
        if not self._per_minute:
            return
        left, reset = self._counter.count(noted.identity.token.id)
        noted.rate = (
            ("RateLimit-Limit", str(self._per_minute)),
            ("RateLimit-Remaining", str(max(0, left))),
            ("RateLimit-Reset", str(reset)),
        )
        if left < 0:
            text = f"A token may make {self._per_minute} requests a minute."
            raise ApiError("too_many_requests", text, headers={"Retry-After": str(reset)})
