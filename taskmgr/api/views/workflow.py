"""`/workflow`: the statuses, transitions and limits that the team has chosen."""

from __future__ import annotations

from typing import Any

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import policy
from taskmgr.api.schemas.workflow import WorkflowOut
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.token import Scope

workflow = Blueprint("workflow", __name__, url_prefix="/api/v1/workflow", description="The rules in force")


@workflow.get("")
@requires_scopes(Scope.TASKS_READ)
@workflow.response(200, WorkflowOut)
def get_workflow() -> Any:
    """Get the workflow and the limits in force"""
    current = policy()
    flow = current.workflow
    return {
        "initial": flow.initial,
        "statuses": [
            {"name": name, "category": category.value, "transitions": list(flow.transitions[name])}
            for name, category in flow.categories.items()
        ],
        "priorities": [priority.value for priority in Priority],
        "limits": {"wip": current.wip_limit, "urgent": current.urgent_limit},
        "four_eyes": current.four_eyes,
        "time_zone": str(current.time_zone),
    }
