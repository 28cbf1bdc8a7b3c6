"""`/feed/head`, `/changes` and `/events`: all changes in the order in which they were committed."""

from __future__ import annotations

import time
from typing import Any

from flask import Response

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.limits import go_on_after_waiting
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import actor, current_request, identity, request_state
from taskmgr.api.runtime import current_runtime, services
from taskmgr.api.schemas.feed import (
    EVENT_STREAM,
    ChangesOut,
    ChangesQuery,
    ChangesResult,
    EventsQuery,
    FeedHeadOut,
)
from taskmgr.api.views.activity import build_activity_query, is_about_users
from taskmgr.domain.history.feed_position import FeedPosition, parse_position
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.token import Scope
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services.feed import FeedPage

LAST_EVENT_ID = "Last-Event-ID"

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
    if since is not None and params["wait"]:
        page = _wait_for_items(page, query, limit=params["limit"], seconds=params["wait"])
    tasks = services().feed.tasks(page.items, by=actor()) if "task" in params["include"] else None
    return ChangesResult(page, None if tasks is None else tasks.values())


def _wait_for_items(page: FeedPage, query: ActivityQuery, *, limit: int, seconds: float) -> FeedPage:
    """Returns the page, or if the feed has nothing more yet, the first one with items."""
    hub, deadline = current_runtime().streams.hub, time.monotonic() + seconds
    visible, _ = services().feed.start(query, since=page.next, by=actor())
    with hub.following():
        while not page.items and not page.more and time.monotonic() < deadline and not hub.is_stopping:
            with current_runtime().overload.waiting():
                position = hub.wait_for_match(page.next, visible, deadline=deadline)
            go_on_after_waiting()
            page = services().feed.changes(query, since=position, limit=limit, by=actor())
    return page


@feed.get("/events")
@requires_scopes(Scope.TASKS_READ, sometimes={Scope.USERS_READ: is_about_users})
@feed.query(EventsQuery)
@feed.response(200, EVENT_STREAM, content_type="text/event-stream")
def stream_events(params: dict[str, Any]) -> Any:
    """Follow the changes as server-sent events

    An event has the position as `id`, the kind of the change as `event`, and an item of `/changes` as `data`.
    A client that connects again sends the last `id` as `Last-Event-ID`, and misses nothing. Without that
    and without `since`, the stream begins with the next change.
    """
    if actor().session_id is not None:  # other sites must not use up the streams of a session
        current_runtime().own_origin.refuse_others(current_request())
    query, since = build_activity_query(params), _last_event_id() or params["since"]
    visible, position = services().feed.start(query, since=since, by=actor())
    body = current_runtime().streams.open(
        visible,
        position,
        identity=identity(),
        request_id=request_state().request_id,
        connection=current_request().environ.get("gunicorn.socket"),
    )
    headers = {"X-Accel-Buffering": "no"}  # nginx would hold events back
    return Response(
        body, headers=headers, content_type="text/event-stream; charset=utf-8", direct_passthrough=True
    )


def _last_event_id() -> FeedPosition | None:
    text = current_request().headers.get(LAST_EVENT_ID)
    try:
        return parse_position(text) if text else None
    except BadValue as bad:
        raise ApiError.malformed(f"header.{LAST_EVENT_ID}", bad.detail) from bad
