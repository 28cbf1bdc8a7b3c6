"""`/tasks/{id}/comments`: what is said about a task."""

from __future__ import annotations

from typing import Any

from flask import request

from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import actor, services
from taskmgr.api.schemas.comments import CommentIn, CommentOut, CommentPatch, NewCommentOut
from taskmgr.api.schemas.others import page_of
from taskmgr.api.schemas.queries import BinQuery, PageQuery, WriteQuery
from taskmgr.api.views.answers import changed, created, paged, window_of
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

comments = Blueprint(
    "comments", __name__, url_prefix="/api/v1/tasks/<task_id>/comments", description="Comments on tasks"
)

CommentPage = page_of(CommentOut, "CommentPage")


@comments.get("")
@takes(READ)
@comments.query(PageQuery)
@comments.response(200, CommentPage)
def list_comments(query: dict[str, Any], task_id: str) -> Any:
    """Read a task's comments, oldest first"""
    scope = ("comments", task_id)
    return paged(services().comments.list(task_id, window_of(query, scope), by=actor()), scope)


@comments.post("")
@takes(WRITE)
@idempotent()
@comments.query(WriteQuery)
@comments.body(CommentIn)
@comments.response(201, NewCommentOut)
def create_comment(query: dict[str, Any], given: dict[str, Any], task_id: str) -> Any:
    """Comment on a task"""
    comment = services().comments.create(task_id, **given, **query, by=actor())
    return created(comment, f"{request.path}/{comment.id}", **query)


@comments.get("/<comment_id>")
@takes(READ)
@comments.response(200, CommentOut)
def get_comment(task_id: str, comment_id: str) -> Any:
    """Get a comment"""
    comment = services().comments.get(task_id, comment_id, by=actor())
    return comment, etag(comment)


@comments.patch("/<comment_id>")
@takes(WRITE)
@comments.query(WriteQuery)
@comments.body(CommentPatch)
@comments.response(200, CommentOut)
def change_comment(query: dict[str, Any], given: dict[str, Any], task_id: str, comment_id: str) -> Any:
    """Change a comment

    Its author may, and so may managers and admins.
    """
    version = expected_version(given.pop("version", None))
    comment = services().comments.change(task_id, comment_id, **given, **query, by=actor(), version=version)
    return changed(comment, **query)


@comments.delete("/<comment_id>")
@takes(WRITE)
@comments.query(BinQuery)
@comments.response(200, CommentOut)
def delete_comment(query: dict[str, Any], task_id: str, comment_id: str) -> Any:
    """Delete a comment

    The answer is the comment as it was; the log keeps what it said.
    """
    query["version"] = expected_version(query["version"])
    comment = services().comments.delete(task_id, comment_id, by=actor(), **query)
    return comment, {"Dry-Run": "true"} if query["dry_run"] else {}
