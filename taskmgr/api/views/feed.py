"""`/feed/head` and `/changes`: all changes in the order in which they were committed."""

from __future__ import annotations

from typing import Any

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.feed import ChangesOut, ChangesQuery, ChangesResult, FeedHeadOut
from taskmgr.api.views.activity import build_activity_query, is_about_users
from taskmgr.domain.model.token import Scope

feed = Blueprint("feed", __name__, url_prefix="/api/v1", description="All changes, in order")


@feed.get("/feed/head")
@requires_scopes(Scope.TASKS_READ)
@feed.response(200, FeedHeadOut)
def get_feed_head() -> Any:
    """Get the end of the feed"""
    return services().feed.head(by=actor())


@feed.get("/changes")
@requires_scopes(Scope.TASKS_READ, sometimes={Scope.USERS_READ: is_about_users})
@feed.query(ChangesQuery)
@feed.response(200, ChangesOut)
def list_changes(params: dict[str, Any]) -> Any:
    """Read the changes after a position, in the order in which they were committed

    Every change has a number, `seq`, without gaps. `next` is the position to go on from; it advances also
    over what does not match the filters and what the token may not see. Without `since` there are no items,
    and `next` is the end of the feed.
    """
    query, since = build_activity_query(params), params["since"]
    page = services().feed.changes(query, since=since, limit=params["limit"], by=actor())
    tasks = services().feed.tasks(page.items, by=actor()) if "task" in params["include"] else None
    return ChangesResult(page, None if tasks is None else tasks.values())
