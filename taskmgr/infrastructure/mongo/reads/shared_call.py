"""Shares one call among all threads that wait for its result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedCall(Generic[T]):
    """Calls a function once for all threads that were waiting before that call began.

    A thread that arrives during a call does not use its result, which may be older than the thread's
    request; it waits and shares the next call. So a result is never older than the request for it.
    With eight threads, sharing halves the CPU time of a call (docs/decisions/0009).
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._started = 0
        self._last: tuple[int, T] | None = None

    def __call__(self) -> T:
        """Returns the result. Only the thread that called gets an exception; the next one calls again."""
        started_before = self._started
        with self._lock:
            if self._last is not None and self._last[0] > started_before:
                return self._last[1]
            self._started += 1
            number = self._started
            result = self._function()
            self._last = number, result
            return result
