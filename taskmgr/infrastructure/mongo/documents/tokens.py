"""Declares the stored form of tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import BinaryField, DateTimeField, ListField, LongField, ObjectIdField, StringField

from taskmgr.domain.model import values
from taskmgr.infrastructure.mongo.documents.draft import COMMON


class TokenDocument(Document):
    """One bearer token, without its secret."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    name = StringField(required=True, max_length=values.MAX_TOKEN_NAME_LENGTH)
    scopes = ListField(StringField(), null=True)
    secret_hash = BinaryField(required=True, max_bytes=32)
    created_at = DateTimeField(required=True)
    expires_at = DateTimeField(null=True)
    last_used_at = DateTimeField(null=True)
    touched = LongField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "tokens",
        "indexes": [{"name": "owner", "fields": ["user_id", "-created_at"]}],
    }
