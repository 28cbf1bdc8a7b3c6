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
from taskmgr.api.views.names import known_projects
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
    these are open. With `project`, only the tasks of these projects are counted, and labels that none of
    them has are left out.
    """
    projects = known_projects(params["project"])
    list_key = ("labels", params["prefix"], projects)
    page_request = build_page_request(params, list_key)
    record_list_version(services().health.latest_write())
    page = services().statistics.labels(page_request, params["prefix"], projects=projects, by=actor())
    return build_page(page, list_key)
