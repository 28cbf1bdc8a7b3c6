"""Statuses, their categories and the transitions between them, as a table.

A stored task may have a status that the workflow lacks, for example when a worker of the old policy
moved it during a reload. Such a task is neither open nor closed, and no transition leads from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from taskmgr.domain.model.values import BadValue


class Category(StrEnum):
    """What a status means, whatever its name: integrations go by this."""

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
    """The statuses in their order, each with its category and the statuses that it leads to."""

    initial: str
    categories: Mapping[str, Category]
    transitions: Mapping[str, tuple[str, ...]]

    @property
    def category_names(self) -> Mapping[str, str]:
        """For each status the name of its category."""
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
        """Returns the statuses that a task in this one may move to."""
        return self.transitions.get(start, ())

    def leads(self, start: str, to: str) -> bool:
        """Whether there is an edge; staying is always one."""
        return to == start or to in self.leads_to(start)

    def in_category(self, *categories: Category) -> tuple[str, ...]:
        return tuple(name for name, category in self.categories.items() if category in categories)

    def parse(self, value: object) -> str:
        """A status of this workflow by name; raises `BadValue` with those there are."""
        if isinstance(value, str) and value in self.categories:
            return value
        raise BadValue("not_allowed", f"Must be one of: {', '.join(self.categories)}.", allowed=self.statuses)

    def next_on_the_way(self, start: str, to: str) -> str | None:
        """The next status on a shortest way from one status to another; None where there is none."""
        first_steps: dict[str, str] = {}
        queue: deque[str] = deque([start])
        while queue:
            here = queue.popleft()
            for there in self.leads_to(here):
                if there not in first_steps and there != start:
                    first_steps[there] = first_steps.get(here, there)
                    queue.append(there)
        return first_steps.get(to)

    def reachable(self) -> frozenset[str]:
        """The statuses that a task can come to from the initial one, itself among them."""
        others = (s for s in self.categories if s != self.initial)
        return frozenset({self.initial, *(s for s in others if self.next_on_the_way(self.initial, s))})

    def edges(self) -> Iterator[tuple[str, str]]:
        for start, targets in self.transitions.items():
            for to in targets:
                yield start, to
