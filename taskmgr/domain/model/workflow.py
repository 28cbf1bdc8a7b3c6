"""The workflow: statuses, their categories, and the transitions between them.

A stored task may have a status that the workflow lacks, for example if a worker with the old policy moved it
during a reload. Such a task is neither open nor closed, and no transition leads from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from taskmgr.domain.model.parsing import not_allowed


class Category(StrEnum):
    """The meaning of a status, whatever its name. Integrations should rely on categories."""

    UNSTARTED = "unstarted"
    STARTED = "started"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in OPEN


OPEN = (Category.UNSTARTED, Category.STARTED)
CLOSED = (Category.COMPLETED, Category.CANCELLED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """The statuses in order, each with its category and the statuses to which a task can move from it."""

    initial: str
    categories: Mapping[str, Category]
    transitions: Mapping[str, tuple[str, ...]]

    @property
    def category_names(self) -> Mapping[str, str]:
        """The name of the category of each status."""
        return {status: category.value for status, category in self.categories.items()}

    @property
    def statuses(self) -> tuple[str, ...]:
        return tuple(self.categories)

    def category(self, status: str) -> Category | None:
        """Returns the category of a status, or None if the workflow lacks the status."""
        return self.categories.get(status)

    def is_open(self, status: str) -> bool:
        return self.categories.get(status) in OPEN

    def is_closed(self, status: str) -> bool:
        return self.categories.get(status) in CLOSED

    def leads_to(self, start: str) -> tuple[str, ...]:
        """Returns the statuses to which a task can move from this one."""
        return self.transitions.get(start, ())

    def leads(self, start: str, to: str) -> bool:
        """Returns whether a task can move from one status to the other, or they are the same."""
        return to == start or to in self.leads_to(start)

    def in_category(self, *categories: Category) -> tuple[str, ...]:
        return tuple(name for name, category in self.categories.items() if category in categories)

    def parse(self, value: object) -> str:
        """Returns the name of a status. Raises `BadValue` with all names if the workflow lacks it."""
        if isinstance(value, str) and value in self.categories:
            return value
        raise not_allowed(self.statuses)

    def next_status_towards(self, start: str, to: str) -> str | None:
        """Returns the next status on a shortest path between two statuses, or None if there is no path."""
        first_steps: dict[str, str] = {}
        queue: deque[str] = deque([start])
        while queue:
            status = queue.popleft()
            for target in self.leads_to(status):
                if target not in first_steps and target != start:
                    first_steps[target] = first_steps.get(status, target)
                    queue.append(target)
        return first_steps.get(to)

    def reachable(self) -> frozenset[str]:
        """Returns the statuses that a task can reach from the initial one, which is included."""
        others = (s for s in self.categories if s != self.initial)
        return frozenset({self.initial, *(s for s in others if self.next_status_towards(self.initial, s))})

    def edges(self) -> Iterator[tuple[str, str]]:
        """Yields every transition as (from, to)."""
        for start, targets in self.transitions.items():
            for to in targets:
                yield start, to
