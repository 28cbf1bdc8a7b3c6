"""`/labels`: the labels that tasks have."""

from __future__ import annotations

from typing import Any

from taskmgr.api.conditional.list_tags import list_etag, record_list_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.schemas.stats import LabelCountOut, LabelListQuery
from taskmgr.api.views.responses import build_page, build_page_request
from taskmgr.domain.model.token import Scope

labels = Blueprint("labels", __name__, url_prefix="/api/v1/labels", description="The labels of tasks")

LabelPage = page_of(LabelCountOut, "LabelPage")


@labels.get("")
@requires_scopes(Scope.TASKS_READ)
@list_etag
@labels.query(LabelListQuery)
@labels.response(200, LabelPage)
def list_labels(params: dict[str, Any]) -> Any:
    """List labels

    Labels are sorted by name. Each has the number of tasks outside the bin that have it, and how many of
    these are open.
    """
    list_key = ("labels", params["prefix"])
    page_request = build_page_request(params, list_key)
    record_list_version(services().health.latest_write())
    return build_page(services().statistics.labels(page_request, params["prefix"], by=actor()), list_key)
