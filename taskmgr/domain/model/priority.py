"""The priority of a task."""

from __future__ import annotations

from taskmgr.domain.model import parsing
from taskmgr.domain.model.ranked import Ranked


class Priority(Ranked):
    """The priority of a task, from the least to the most important."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


PRIORITIES = tuple(Priority)  # by rank
parse_priority = parsing.one_of(Priority)
