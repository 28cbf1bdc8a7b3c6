"""Converts comments."""

from __future__ import annotations

from bson import ObjectId

from taskmgr.domain.model.comment import Comment
from taskmgr.domain.queries.search import words_of
from taskmgr.infrastructure.mongo.documents.comments import CommentDocument
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.mappers.rows import Row


def comment_document(comment: Comment) -> Draft:
    return draft_of(
        CommentDocument,
        id=ObjectId(comment.id),
        task_id=ObjectId(comment.task_id),
        author_id=comment.author_id,
        text=comment.text,
        words=list(words_of(comment.text)),
        created_at=comment.created_at,
        updated_at=comment.updated_at,
        version=comment.version,
    )


def comment(row: Row) -> Comment:
    return Comment(
        id=str(row["_id"]),
        task_id=str(row["task_id"]),
        author_id=row["author_id"],
        text=row["text"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )
