"""Declares the stored form of comments."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import DateTimeField, ListField, LongField, ObjectIdField, StringField

from taskmgr.domain.model import values
from taskmgr.infrastructure.mongo.documents.draft import COMMON


class CommentDocument(Document):
    """One comment on a task; `words` are for searching."""

    id = ObjectIdField(primary_key=True)
    task_id = ObjectIdField(required=True)
    author_id = StringField(required=True)
    text = StringField(required=True, max_length=values.MAX_COMMENT_LENGTH)
    words = ListField(StringField())
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "comments",
        "indexes": [
            {"name": "of_task", "fields": ["task_id", "created_at", "id"]},
            {"name": "words", "fields": ["words"]},
        ],
    }
