"""Declares the stored form of projects."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import BooleanField, DateTimeField, LongField, ObjectIdField, StringField

from taskmgr.domain.model import values
from taskmgr.infrastructure.mongo.documents.draft import COMMON


class ProjectDocument(Document):
    """One project; `last_number` is the highest number that a task of the project may have."""

    id = ObjectIdField(primary_key=True)
    key = StringField(required=True)
    name = StringField(required=True, max_length=values.MAX_NAME_LENGTH)
    description = StringField(max_length=values.MAX_DESCRIPTION_LENGTH)
    is_default = BooleanField(required=True)
    archived_at = DateTimeField(null=True)
    created_by = StringField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)
    last_number = LongField(min_value=0)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "projects",
        "indexes": [
            {"name": "key", "fields": ["key"], "unique": True},
            {
                "name": "default",
                "fields": ["is_default"],
                "unique": True,
                "partialFilterExpression": {"is_default": True},
            },
        ],
    }
