"""`/tasks/{id}/comments`: comments on a task."""

from __future__ import annotations

from typing import Any

from flask import request

from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.comments import CommentIn, CommentOut, CommentPatch, NewCommentOut
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.schemas.queries import PageQuery, VersionQuery, WriteQuery
from taskmgr.api.views.responses import DRY_RUN_HEADER, build_page, build_page_request, changed, created
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

comments = Blueprint(
    "comments", __name__, url_prefix="/api/v1/tasks/<task_id>/comments", description="Comments on tasks"
)

CommentPage = page_of(CommentOut, "CommentPage")


@comments.get("")
@requires_scopes(READ)
@comments.query(PageQuery)
@comments.response(200, CommentPage)
def list_comments(params: dict[str, Any], task_id: str) -> Any:
    """List the comments on a task, oldest first"""
    list_key = ("comments", task_id)
    return build_page(
        services().comments.list(task_id, build_page_request(params, list_key), by=actor()), list_key
    )


@comments.post("")
@requires_scopes(WRITE)
@idempotent()
@comments.query(WriteQuery)
@comments.body(CommentIn)
@comments.response(201, NewCommentOut)
def create_comment(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Comment on a task"""
    comment = services().comments.create(task_id, **body, **params, by=actor())
    return created(comment, f"{request.path}/{comment.id}", **params)


@comments.get("/<comment_id>")
@requires_scopes(READ)
@comments.response(200, CommentOut)
def get_comment(task_id: str, comment_id: str) -> Any:
    """Get a comment"""
    comment = services().comments.get(task_id, comment_id, by=actor())
    return comment, etag(comment)


@comments.patch("/<comment_id>")
@requires_scopes(WRITE)
@comments.query(WriteQuery)
@comments.body(CommentPatch)
@comments.response(200, CommentOut)
def change_comment(params: dict[str, Any], body: dict[str, Any], task_id: str, comment_id: str) -> Any:
    """Change a comment

    Only the author, managers and admins may change it.
    """
    version = expected_version(body.pop("version", None))
    comment = services().comments.change(task_id, comment_id, **body, **params, by=actor(), version=version)
    return changed(comment, **params)


@comments.delete("/<comment_id>")
@requires_scopes(WRITE)
@comments.query(VersionQuery)
@comments.response(200, CommentOut)
def delete_comment(params: dict[str, Any], task_id: str, comment_id: str) -> Any:
    """Delete a comment

    The response is the comment as it was. The log keeps its text.
    """
    params["version"] = expected_version(params["version"])
    comment = services().comments.delete(task_id, comment_id, by=actor(), **params)
    return comment, DRY_RUN_HEADER if params["dry_run"] else {}
