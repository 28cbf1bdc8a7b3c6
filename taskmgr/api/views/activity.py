"""`/activity`: what happened, everywhere."""

from __future__ import annotations

from typing import Any

from flask import request

from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import actor, identity, services
from taskmgr.api.schemas.others import ChangeOut, page_of
from taskmgr.api.schemas.queries import ActivityListQuery
from taskmgr.api.views.answers import paged, window_of
from taskmgr.domain.model.errors import FieldError
from taskmgr.domain.model.token import Scope
from taskmgr.domain.queries.activity_query import ActivityQuery

activity = Blueprint("activity", __name__, url_prefix="/api/v1/activity", description="The log")

ActivityPage = page_of(ChangeOut, "ActivityPage")


def _of_users() -> bool:
    return request.args.get("entity") == "user"


@activity.get("")
@takes(Scope.TASKS_READ, also={Scope.USERS_READ: _of_users})
@activity.query(ActivityListQuery)
@activity.response(200, ActivityPage)
def list_activity(query: dict[str, Any]) -> Any:
    """Read the log, newest first

    Filters are ANDed. All changes of one request or one script call share a `change_set`. Entries
    of users take the scope users:read. Entries of tokens are shown to their owner, and to an admin
    whose token has the scope admin or names no scopes.
    """
    asked = ActivityQuery(
        entity=query["entity"],
        entity_id=query["entity_id"],
        by=_actor_id(query["by"]),
        kinds=query["kind"],
        change_set=query["change_set"],
        at_from=query["at_from"],
        at_to=query["at_to"],
    )
    return paged(services().activity.list(asked, window_of(query, asked), by=actor()), asked)


def _actor_id(key: str | None) -> str | None:
    """Whom a key means; an unknown name is a mistake, not an empty answer."""
    if key is None or key.startswith("system:"):
        return key
    if key == "me":
        return identity().user.id
    found = services().users.find_keys([key], by=actor())
    if key not in found:
        detail = f"There is no user {key}."
        error = FieldError(location="query.by", code="unknown_user", detail=detail)
        raise ApiError("malformed", "The query names a user that there is not.", errors=[error])
    return found[key]
