"""`/stats`: how the work stands, and how it went."""

from __future__ import annotations

from typing import Any

from taskmgr.api.conditional.list_tags import always, conditional
from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import actor, services
from taskmgr.api.schemas.stats import StatsOut, StatsQuery
from taskmgr.domain.model.token import Scope

stats = Blueprint("stats", __name__, url_prefix="/api/v1/stats", description="How the work stands")


@stats.get("")
@takes(Scope.TASKS_READ)
@conditional(always)  # what is overdue changes with the clock, and so do the days by default
@stats.query(StatsQuery)
@stats.response(200, StatsOut)
def get_stats(query: dict[str, Any]) -> Any:
    """Count tasks

    By status, priority and assignee, and what was created and completed on the days asked for, with the
    cycle times of the latter. Tasks in the bin count nowhere.
    """
    return services().statistics.of(**query, by=actor())
