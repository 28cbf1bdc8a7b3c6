"""`/workflow`: the rules that a team has chosen, for drawing a board."""

from __future__ import annotations

from typing import Any

from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import policy
from taskmgr.api.schemas.others import WorkflowOut
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.token import Scope

workflow = Blueprint("workflow", __name__, url_prefix="/api/v1/workflow", description="The rules in force")


@workflow.get("")
@takes(Scope.TASKS_READ)
@workflow.response(200, WorkflowOut)
def get_workflow() -> Any:
    """Get the workflow and the limits in force"""
    rules = policy()
    flow = rules.workflow
    return {
        "initial": flow.initial,
        "statuses": [
            {"name": name, "category": category.value, "transitions": list(flow.transitions[name])}
            for name, category in flow.categories.items()
        ],
        "priorities": [priority.value for priority in Priority],
        "limits": {"wip": rules.wip_limit, "urgent": rules.urgent_limit},
        "four_eyes": rules.four_eyes,
        "time_zone": str(rules.time_zone),
    }
