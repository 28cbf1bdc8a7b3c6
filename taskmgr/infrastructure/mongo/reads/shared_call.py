"""One question for all who wait for its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedCall(Generic[T]):
    """Asks for everybody who is there before the question is asked.

    Who comes while one is under way takes no part in it, since what it tells may be of before they
    came: they wait, and share the next. So an answer is never older than the call that it answers.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._one_asks = threading.Lock()
        self._begun = 0
        self._last: tuple[int, T] | None = None

    def __call__(self) -> T:
        """The answer. Raises what asking raises, for the one who asked; the next asks again."""
        begun_before = self._begun
        with self._one_asks:
            if self._last is not None and self._last[0] > begun_before:
                return self._last[1]
            self._begun += 1
            number = self._begun
            answer = self._ask()
            self._last = number, answer
            return answer
