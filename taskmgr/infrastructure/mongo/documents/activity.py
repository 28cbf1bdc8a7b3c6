"""Declares the stored form of the log."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DictField,
    ListField,
    LongField,
    ObjectIdField,
    StringField,
)

from taskmgr.domain.model import values
from taskmgr.infrastructure.mongo.documents.draft import COMMON


class ChangeDocument(Document):
    """One entry of the log."""

    id = ObjectIdField(primary_key=True)
    at = DateTimeField(required=True)
    by = StringField(required=True)
    change_set = StringField(required=True)
    entity = StringField(required=True)
    entity_id = ObjectIdField(required=True)
    kind = StringField(required=True)
    before = DictField()
    after = DictField()
    reason = StringField(null=True, max_length=values.MAX_REASON_LENGTH)
    override = BooleanField(required=True)
    version = LongField(required=True, min_value=1)
    projects = ListField(StringField())
    private_to = StringField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "activity",
        "indexes": [
            {"name": "entity_version", "fields": ["entity", "entity_id", "version"], "unique": True},
            {"name": "newest", "fields": ["-at", "-id"]},
            {"name": "by", "fields": ["by", "-at", "-id"]},
            {"name": "kind", "fields": ["kind", "-at", "-id"]},
            {"name": "entity", "fields": ["entity", "entity_id", "-at", "-id"]},
            {"name": "project", "fields": ["projects", "-at", "-id"]},
            {"name": "change_set", "fields": ["change_set"]},
        ],
    }
