"""`/labels`: the labels that tasks have."""

from __future__ import annotations

from typing import Any

from taskmgr.api.conditional.list_tags import conditional, note
from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import actor, services
from taskmgr.api.schemas.others import page_of
from taskmgr.api.schemas.stats import LabelCountOut, LabelListQuery
from taskmgr.api.views.answers import paged, window_of
from taskmgr.domain.model.token import Scope

labels = Blueprint("labels", __name__, url_prefix="/api/v1/labels", description="The labels of tasks")

LabelPage = page_of(LabelCountOut, "LabelPage")


@labels.get("")
@takes(Scope.TASKS_READ)
@conditional()
@labels.query(LabelListQuery)
@labels.response(200, LabelPage)
def list_labels(query: dict[str, Any]) -> Any:
    """List labels

    By name, each with how many tasks outside the bin have it, and how many of these are open.
    """
    scope = ("labels", query["prefix"])
    page_request = window_of(query, scope)
    note(services().health.latest_write())
    return paged(services().statistics.labels(page_request, query["prefix"], by=actor()), scope)
