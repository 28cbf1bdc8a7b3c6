"""`/activity`: the log of all changes."""

from __future__ import annotations

from typing import Any

from flask import request

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.activity import ActivityListQuery, ChangeOut
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.views.names import find_projects, find_users, require_known
from taskmgr.api.views.responses import build_page, build_page_request
from taskmgr.domain.model.token import Scope
from taskmgr.domain.queries.activity_query import ActivityQuery

activity = Blueprint("activity", __name__, url_prefix="/api/v1/activity", description="The log of changes")

ActivityPage = page_of(ChangeOut, "ActivityPage")


def is_about_users() -> bool:
    """Returns True if the current request is for the entries about users."""
    return request.args.get("entity") == "user"


@activity.get("")
@requires_scopes(Scope.TASKS_READ, sometimes={Scope.USERS_READ: is_about_users})
@activity.query(ActivityListQuery)
@activity.response(200, ActivityPage)
def list_activity(params: dict[str, Any]) -> Any:
    """Read the log, newest first

    An entry must match all filters. All changes of one request or one script call share a
    `change_set`. Entries of users require the scope users:read. Entries of tokens are shown to their
    owner, and to admins whose token has the scope admin or no list of scopes.
    """
    query = build_activity_query(params)
    return build_page(services().activity.list(query, build_page_request(params, query), by=actor()), query)


def build_activity_query(params: dict[str, Any]) -> ActivityQuery:
    """Returns the query for the parameters. Raises `malformed` with every unknown user and project."""
    users, unknown_users = find_users({"by": params["by"] and (params["by"],)}, "query")
    projects, unknown_projects = find_projects(params["project"], "query")
    require_known([*unknown_users, *unknown_projects])
    return ActivityQuery(
        entity=params["entity"],
        entity_id=params["entity_id"],
        by=users["by"] and users["by"][0],
        projects=projects,
        kinds=params["kind"],
        change_set=params["change_set"],
        at_from=params["at_from"],
        at_to=params["at_to"],
    )
