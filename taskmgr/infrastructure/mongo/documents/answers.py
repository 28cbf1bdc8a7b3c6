"""Declares the stored form of responses that are kept for retries."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import BinaryField, DateTimeField, DictField, IntField, StringField

from taskmgr.infrastructure.mongo.documents.draft import COMMON


class AnswerDocument(Document):
    """One response that is stored for retries until it expires."""

    id = StringField(primary_key=True)
    caller = StringField(required=True)
    fingerprint = BinaryField(max_bytes=32)
    status = IntField()
    headers = DictField()
    body = BinaryField()
    expires_at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "answers",
        "indexes": [{"name": "expiry", "fields": ["expires_at"], "expireAfterSeconds": 0}],
    }
