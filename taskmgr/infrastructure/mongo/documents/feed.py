"""Declares the stored form of the feed, and of what the processes that follow it have to remember."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import BinaryField, DateTimeField, DictField, LongField, ObjectIdField, StringField

from taskmgr.infrastructure.mongo.documents.draft import COMMON


class FeedDocument(Document):
    """The place of a log entry in the feed; `_id` is its number, and `token` continues the log after it."""

    id = LongField(primary_key=True, min_value=1)
    entry = ObjectIdField(required=True)
    at = DateTimeField(required=True)
    hash = BinaryField(required=True, max_bytes=32)
    token = DictField(null=False)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "feed",
        "indexes": [{"name": "entry", "fields": ["entry"], "unique": True}],
    }


class CheckpointDocument(Document):
    """How far a process that follows a stream has come; `seq` is a number of the feed."""

    id = StringField(primary_key=True)
    seq = LongField(required=True, min_value=0)
    token = DictField(null=True)
    at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "checkpoints", "indexes": []}


class LeaseDocument(Document):
    """A lease that a process holds until a time."""

    id = StringField(primary_key=True)
    holder = StringField(required=True)
    until = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "leases", "indexes": []}
