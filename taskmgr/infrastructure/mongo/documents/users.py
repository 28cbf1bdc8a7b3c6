"""Declares the stored form of users."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import BooleanField, DateTimeField, ListField, LongField, ObjectIdField, StringField

from taskmgr.domain.model import values
from taskmgr.domain.model.user import Kind, Role
from taskmgr.infrastructure.mongo.documents.draft import COMMON


class UserDocument(Document):
    """One user; `email_key` keeps addresses unique, and `words` are for searching."""

    id = ObjectIdField(primary_key=True)
    username = StringField(required=True, max_length=40)
    name = StringField(required=True, max_length=values.MAX_NAME_LENGTH)
    email = StringField(null=True, max_length=values.MAX_EMAIL_LENGTH)
    email_key = StringField(null=True)
    words = ListField(StringField())
    role = StringField(required=True, choices=[r.value for r in Role])
    kind = StringField(required=True, choices=[k.value for k in Kind])
    active = BooleanField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)
    password_set_at = DateTimeField()
    touched = LongField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "users",
        "indexes": [
            {"name": "username", "fields": ["username"], "unique": True},
            {
                "name": "email",
                "fields": ["email_key"],
                "unique": True,
                "partialFilterExpression": {"email_key": {"$type": "string"}},
            },
            {"name": "role", "fields": ["role", "active"]},
            {"name": "words", "fields": ["words"]},
            {"name": "by_username", "fields": ["username", "id"]},
        ],
    }
