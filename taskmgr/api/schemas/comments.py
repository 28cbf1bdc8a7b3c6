"""Comments, in and out."""

from __future__ import annotations

from marshmallow import fields

from taskmgr.api.schemas import patterns
from taskmgr.api.schemas.base import Command, Moment, Out, Text, key_text
from taskmgr.api.schemas.tasks import version
from taskmgr.domain.model import values


def _text() -> Text:
    return Text(values.comment_text, required=True, metadata=patterns.text(values.MAX_COMMENT_LENGTH))


class CommentIn(Command):
    """A new comment."""

    text = _text()


class CommentPatch(Command):
    """Another text for a comment."""

    text = _text()
    version = version()


class CommentOut(Out):
    """A comment on a task."""

    id = key_text("The comment's id.")
    task_id = key_text("The task's id.")
    author_id = fields.String(required=True, metadata={"description": "A user's id, or `system:…`."})
    text = fields.String(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    version = fields.Integer(required=True)


class NewCommentOut(CommentOut):
    """A new comment."""

    id = key_text("The comment's id; null where it was made dry.", allow_none=True)
