"""`/stats`: statistics of all tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from taskmgr.api.conditional.list_tags import list_etag
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.parsing import arguments_from_query
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.stats import CycleTimeListOut, FlowOut, StatsOut, StatsQuery
from taskmgr.api.views.names import known_projects
from taskmgr.domain.model.token import Scope

stats = Blueprint("stats", __name__, url_prefix="/api/v1/stats", description="Statistics of all tasks")


@stats.get("")
@requires_scopes(Scope.TASKS_READ)
@list_etag
@stats.query(StatsQuery)
@stats.response(200, StatsOut)
def get_stats(params: dict[str, Any]) -> Any:
    """Count tasks

    The numbers of tasks by status, priority and assignee; how many were created and completed on each of
    the days; and the cycle times of those that were completed. Tasks in the bin are not counted, and with
    `project` only the tasks of these projects.
    """
    with _days_and_projects(params) as given:
        return services().statistics.of(**given, by=actor())


@stats.get("/flow")
@requires_scopes(Scope.TASKS_READ)
@list_etag
@stats.query(StatsQuery)
@stats.response(200, FlowOut)
def get_flow(params: dict[str, Any]) -> Any:
    """Count the tasks in each status at the end of each day

    The tasks are those that are outside the bin now and, with `project`, in one of these projects now; their
    former statuses are read from the log.
    """
    with _days_and_projects(params) as given:
        return services().statistics.flow(**given, by=actor())


@stats.get("/cycle-times")
@requires_scopes(Scope.TASKS_READ)
@list_etag
@stats.query(StatsQuery)
@stats.response(200, CycleTimeListOut)
def get_cycle_times(params: dict[str, Any]) -> Any:
    """List how long tasks took

    The percentiles of all tasks that were completed on these days, as in `GET /stats`, and the latest of
    these tasks one by one.
    """
    with _days_and_projects(params) as given:
        return services().statistics.cycle_times(**given, by=actor())


@contextmanager
def _days_and_projects(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the arguments of a question to the statistics; its mistakes are those of the query."""
    projects = known_projects(params["project"])
    with arguments_from_query(first="from", last="to"):
        yield {"first": params["from"], "last": params["to"], "projects": projects}
