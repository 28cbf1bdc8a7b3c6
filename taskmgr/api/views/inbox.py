"""`/inbox`, `/tasks/{id}/watch` and `/users/me/notifications`: what the caller is told, and how."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.inbox import (
    ChannelsIn,
    ChannelsOut,
    InboxItemOut,
    InboxQuery,
    ReadIn,
    UnreadOut,
    WatchOut,
)
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.schemas.queries import WriteQuery
from taskmgr.api.views.responses import DRY_RUN_HEADER, build_page, build_page_request
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

inbox = Blueprint("inbox", __name__, url_prefix="/api/v1", description="What the caller is told")

InboxPage = page_of(InboxItemOut, "InboxPage")


@inbox.get("/inbox")
@requires_scopes(READ)
@inbox.query(InboxQuery)
@inbox.response(200, InboxPage)
def list_inbox(params: dict[str, Any]) -> Any:
    """List what the caller has been told, newest first

    What one person does to one task within ten minutes is one item. Read items are removed after 90 days.
    """
    list_key = ("inbox", params["unread"])
    page_request = build_page_request(params, list_key)
    return build_page(services().inbox.list(page_request, by=actor(), unread=params["unread"]), list_key)


@inbox.post("/inbox/read")
@requires_scopes(READ, WRITE)
@inbox.body(ReadIn)
@inbox.response(200, UnreadOut)
def mark_inbox_read(body: dict[str, Any]) -> Any:
    """Mark items of the inbox as read

    With both `ids` and `up_to`, items that have got more news since then stay unread. The response has the
    number of items that remain unread.
    """
    return SimpleNamespace(unread=services().inbox.mark_read(**body, by=actor()))


@inbox.get("/tasks/<task_id>/watch")
@requires_scopes(READ)
@inbox.response(200, WatchOut)
def get_watch(task_id: str) -> Any:
    """Tell whether the caller watches a task"""
    return SimpleNamespace(watching=services().inbox.is_watching(task_id, by=actor()))


@inbox.put("/tasks/<task_id>/watch")
@requires_scopes(READ, WRITE)
@inbox.response(200, WatchOut)
def watch_task(task_id: str) -> Any:
    """Watch a task: be told of its comments and moves"""
    services().inbox.watch(task_id, by=actor())
    return SimpleNamespace(watching=True)


@inbox.delete("/tasks/<task_id>/watch")
@requires_scopes(READ, WRITE)
@inbox.response(200, WatchOut)
def unwatch_task(task_id: str) -> Any:
    """Stop watching a task

    The creator, the assignee and whoever has commented are still told.
    """
    services().inbox.unwatch(task_id, by=actor())
    return SimpleNamespace(watching=False)


@inbox.get("/users/me/notifications")
@requires_scopes(READ)
@inbox.response(200, ChannelsOut)
def get_notifications() -> Any:
    """Get how the caller gets each kind of news"""
    return _by_kind(services().inbox.channels(by=actor()))


@inbox.patch("/users/me/notifications")
@requires_scopes(READ, WRITE)
@inbox.query(WriteQuery)
@inbox.body(ChannelsIn)
@inbox.response(200, ChannelsOut)
def change_notifications(params: dict[str, Any], body: dict[str, Any]) -> Any:
    """Choose how the caller gets some kinds of news

    `inbox` shows them in the inbox; `mail` and `daily` also mail them, at once or in the morning; `nothing`
    leaves them out; null restores the default.
    """
    chosen = _by_kind(services().inbox.choose(body, by=actor(), **params))
    return chosen, DRY_RUN_HEADER if params["dry_run"] else {}


def _by_kind(channels: Any) -> SimpleNamespace:
    return SimpleNamespace(**{kind.value: channel for kind, channel in channels.items()})
