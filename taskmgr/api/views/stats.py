"""`/stats`: statistics of all tasks."""

from __future__ import annotations

from typing import Any

from taskmgr.api.conditional.list_tags import list_etag
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.parsing import arguments_from_query
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.stats import StatsOut, StatsQuery
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
    projects = known_projects(params["project"])
    with arguments_from_query(first="from", last="to"):
        return services().statistics.of(
            first=params["from"], last=params["to"], projects=projects, by=actor()
        )
