"""Describes comments, in requests and responses."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import CompiledOutput, Input, Moment, ParsedText, id_field
from taskmgr.api.schemas.task_bodies import version
from taskmgr.domain.model import values


def _text() -> ParsedText:
    return ParsedText(values.comment_text, required=True, metadata=patterns.text(values.MAX_COMMENT_LENGTH))


class CommentIn(Input):
    """A new comment."""

    text = _text()


class CommentPatch(Input):
    """A new text for a comment."""

    text = _text()
    version = version()


class CommentOut(CompiledOutput):
    """A comment on a task."""

    id = id_field("The comment's id.")
    task_id = id_field("The task's id.")
    author_id = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    text = fields.String(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class NewCommentOut(CommentOut):
    """A new comment."""

    id = id_field("The comment's id; null if it was created in a dry run.", allow_none=True)
