"""`/stats`: statistics of all tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskmgr.api.conditional.list_tags import list_etag
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.stats import StatsOut, StatsQuery
from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.token import Scope

stats = Blueprint("stats", __name__, url_prefix="/api/v1/stats", description="Statistics of all tasks")

# The parameters, by the names of the service's arguments.
_PARAMETERS = {"first": "from", "last": "to"}


@stats.get("")
@requires_scopes(Scope.TASKS_READ)
@list_etag
@stats.query(StatsQuery)
@stats.response(200, StatsOut)
def get_stats(params: dict[str, Any]) -> Any:
    """Count tasks

    The numbers of tasks by status, priority and assignee; how many were created and completed on each of
    the days; and the cycle times of those that were completed. Tasks in the bin are not counted.
    """
    days = {argument: params[name] for argument, name in _PARAMETERS.items()}
    try:
        return services().statistics.of(**days, by=actor())
    except Invalid as invalid:
        errors = [replace(e, location=f"query.{_PARAMETERS[e.location]}") for e in invalid.errors]
        raise ApiError("malformed", "The query cannot be read; see `errors`.", errors=errors) from invalid
