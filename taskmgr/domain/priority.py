"""How important a task is: four names with an order."""

from __future__ import annotations

from enum import Enum
from functools import total_ordering

from taskmgr.domain import values


@total_ordering
class Priority(Enum):
    """By name everywhere outside; compared and sorted by rank, never by name."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    def __lt__(self, other: Priority) -> bool:
        return _RANKS[self] < _RANKS[other]


PRIORITIES = tuple(Priority)  # by rank
_RANKS = {priority: rank for rank, priority in enumerate(PRIORITIES)}

parse_priority = values.one_of(Priority)
