"""`/views`: saved views of tasks."""

from __future__ import annotations

from typing import Any, cast

from flask import request

from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.conditional.list_tags import list_etag, record_list_version
from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.schemas.queries import PageQuery, VersionQuery, WriteQuery
from taskmgr.api.schemas.views import NewViewOut, ViewIn, ViewOut, ViewPatch
from taskmgr.api.views.responses import DRY_RUN_HEADER, build_page, build_page_request, changed, created
from taskmgr.domain.model.commands import ViewChanges
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

views = Blueprint("views", __name__, url_prefix="/api/v1/views", description="Saved views of tasks")

ViewPage = page_of(ViewOut, "ViewPage")


@views.get("")
@requires_scopes(READ)
@list_etag
@views.query(PageQuery)
@views.response(200, ViewPage)
def list_views(params: dict[str, Any]) -> Any:
    """List your own and all shared views, by name"""
    list_key = ("views",)
    page_request = build_page_request(params, list_key)
    record_list_version(services().health.latest_write())
    return build_page(services().views.list(page_request, by=actor()), list_key)


@views.post("")
@requires_scopes(WRITE)
@idempotent()
@views.query(WriteQuery)
@views.body(ViewIn)
@views.response(201, NewViewOut)
def create_view(params: dict[str, Any], body: dict[str, Any]) -> Any:
    """Save a view

    The filters are those of `GET /tasks`, which accepts whatever a view has. Usernames become ids, so that
    the view survives their change.
    """
    view = services().views.create(**body, **params, by=actor())
    return created(view, f"{request.path}/{view.id}", **params)


@views.get("/<view_id>")
@requires_scopes(READ)
@views.response(200, ViewOut)
def get_view(view_id: str) -> Any:
    """Get a view"""
    view = services().views.get(view_id, by=actor())
    return view, etag(view)


@views.patch("/<view_id>")
@requires_scopes(WRITE)
@views.query(WriteQuery)
@views.body(ViewPatch)
@views.response(200, ViewOut)
def change_view(params: dict[str, Any], body: dict[str, Any], view_id: str) -> Any:
    """Change a view

    Only its owner may change it, and managers and admins if it is shared.
    """
    version = expected_version(body.pop("version", None))
    changes = cast("ViewChanges", body)
    view = services().views.change(view_id, changes, by=actor(), version=version, **params)
    return changed(view, **params)


@views.delete("/<view_id>")
@requires_scopes(WRITE)
@views.query(VersionQuery)
@views.response(200, ViewOut)
def delete_view(params: dict[str, Any], view_id: str) -> Any:
    """Delete a view

    The response is the view as it was. The same people may who may change it.
    """
    params["version"] = expected_version(params["version"])
    view = services().views.delete(view_id, by=actor(), **params)
    return view, DRY_RUN_HEADER if params["dry_run"] else {}
