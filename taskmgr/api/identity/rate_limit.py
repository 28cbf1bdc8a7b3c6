"""Limits how many requests per minute a token or a session may make, on each worker.

Requests are counted in the worker's memory, in windows that begin with the first request. A shared store
would cost more than most requests, and so did a library (decision 10).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import RequestState, identity

WINDOW = 60.0  # seconds
_MAX_WINDOWS = 10_000


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0


@dataclass(slots=True)
class Counter:
    """Counts the requests of each token or session in its current window."""

    limit: int
    clock: Callable[[], float] = time.monotonic
    _windows: dict[str, _Window] = field(default_factory=dict)

    def count(self, token_id: str) -> tuple[int, int]:
        """Counts a request, and returns how many are left and the seconds until the window ends.

        Beyond the limit, the number of requests left is negative.
        """
        now = self.clock()
        window = self._windows.get(token_id)
        if window is None or window.ends <= now:
            self._make_room(now)
            window = self._windows[token_id] = _Window(now + WINDOW)
        window.count += 1
        return self.limit - window.count, math.ceil(window.ends - now)

    def _make_room(self, now: float) -> None:
        if len(self._windows) >= _MAX_WINDOWS:
            self._windows = {key: window for key, window in self._windows.items() if now < window.ends}


class RateLimit:
    """Limits the requests of authenticated callers; 0 means no limit."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._counter = Counter(per_minute)

    def count(self, state: RequestState) -> None:
        """Counts the current request, and sets its headers. Raises `too_many_requests`."""
        if not self._per_minute:
            return
        left, reset = self._counter.count(identity().credential.id)
        state.rate_limit_headers = (
            ("RateLimit-Limit", str(self._per_minute)),
            ("RateLimit-Remaining", str(max(0, left))),
            ("RateLimit-Reset", str(reset)),
        )
        if left < 0:
            detail = f"A token or a session may make {self._per_minute} requests per minute."
            raise ApiError("too_many_requests", detail, headers={"Retry-After": str(reset)})
