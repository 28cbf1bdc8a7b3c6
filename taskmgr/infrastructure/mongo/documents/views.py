"""Declares the stored form of saved views."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DictField,
    LongField,
    ObjectIdField,
    StringField,
)

from taskmgr.domain.model.values import MAX_NAME_LENGTH
from taskmgr.infrastructure.mongo.documents.draft import COMMON


class ViewDocument(Document):
    """One saved view; `name_key` is its name without case."""

    id = ObjectIdField(primary_key=True)
    owner_id = ObjectIdField(required=True)
    name = StringField(required=True, max_length=MAX_NAME_LENGTH)
    name_key = StringField(required=True)
    filters = DictField()
    sort = StringField(null=True)
    layout = DictField(required=True)
    shared = BooleanField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "views",
        "indexes": [
            {"name": "name", "fields": ["owner_id", "name_key"], "unique": True},
            {"name": "shared", "fields": ["shared", "name_key", "id"]},
        ],
    }
