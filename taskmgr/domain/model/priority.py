"""How important a task is: four names with an order."""

from __future__ import annotations

from taskmgr.domain.model import values
from taskmgr.domain.model.ranked import Ranked


class Priority(Ranked):
    """How important a task is, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


PRIORITIES = tuple(Priority)  # by rank
parse_priority = values.one_of(Priority)
