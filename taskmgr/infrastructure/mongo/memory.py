"""What one attempt at a command has touched and read already: inside a transaction once is enough.

Its snapshot says the same at every reading, and a bulk asks for the same user a thousand times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from taskmgr.domain.model.user import User


@dataclass(slots=True)
class Memory:
    """Documents that have been touched, by collection and id; users that have been read, by id.

    Nobody changes such a user in place; who stores another version takes it out.
    """

    touched: set[tuple[str, Any]] = field(default_factory=set)
    users: dict[str, User] = field(default_factory=dict)


_present: ContextVar[Memory | None] = ContextVar("memory", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """The attempt: it begins with an empty memory, and leaves none behind."""
    token = _present.set(Memory())
    try:
        yield
    finally:
        _present.reset(token)


def memory() -> Memory:
    """That of the running attempt. Outside of one nothing is remembered."""
    return _present.get() or Memory()
