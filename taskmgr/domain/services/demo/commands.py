"""Fills a database without tasks with the demo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskmgr.domain.model.errors import DatabaseNotEmpty
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.demo.data import DemoData, SettableClock
from taskmgr.domain.services.demo.story import PROJECTS, STORY, TEAM

if TYPE_CHECKING:
    from taskmgr.domain.services import Services


@dataclass(frozen=True, slots=True)
class DemoCounts:
    """How many users, projects and tasks were created."""

    users: int
    projects: int
    tasks: int


@dataclass(frozen=True, slots=True)
class DemoService:
    """Fills a database without tasks with the demo. `services_with` returns services that use a clock."""

    clock: Clock
    services_with: Callable[[Clock], Services]

    def create(self, *, by: Actor) -> DemoCounts:
        """Creates the users, projects and tasks of the demo, with two months of history.

        Its hundreds of commands are one transaction each, so what others do meanwhile is not held up, and
        what was done before a failure remains. Raises `DatabaseNotEmpty`.
        """
        permissions.require(by, Action.CREATE_DEMO)
        self.require_empty(by=by)
        clock = SettableClock(self.clock())
        DemoData(self.services_with(clock), clock, by).create()
        return DemoCounts(users=len(TEAM), projects=len(PROJECTS), tasks=len(STORY))

    def require_empty(self, *, by: Actor) -> None:
        """Raises `DatabaseNotEmpty` if there are tasks, or users or projects with the names of the demo."""
        obstacle = _find_obstacle(self.services_with(self.clock), by)
        if obstacle is not None:
            raise DatabaseNotEmpty(obstacle)


def _find_obstacle(services: Services, by: Actor) -> str | None:
    """Returns a sentence about what the demo would be mixed with, or None."""
    queries = (TaskQuery(binned=binned) for binned in (False, True))
    if any(services.tasks.list(query, PageRequest(limit=1), by=by).items for query in queries):
        return "It has tasks."
    usernames = services.users.find_keys([username for username, *_ in TEAM], by=by)
    if usernames:
        return f"It has users that the demo would create: {', '.join(sorted(usernames))}."
    keys = {key for key, *_ in PROJECTS} & {project.key for project in services.projects.iterate(by=by)}
    if keys:
        return f"It has projects that the demo would create: {', '.join(sorted(keys))}."
    return None
