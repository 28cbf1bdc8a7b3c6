"""Declares the stored form of what users are told: items, watches, preferences, and the work's progress."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DictField,
    IntField,
    ListField,
    LongField,
    ObjectIdField,
    StringField,
)

from taskmgr.infrastructure.mongo.documents.draft import COMMON

_DAY = 24 * 3600  # seconds
_KEEP_READ_ITEMS = 90 * _DAY
_KEEP_REMINDERS = 400 * _DAY


class InboxItemDocument(Document):
    """One item of a user's inbox. It is removed some time after it has been read."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    task_id = ObjectIdField(required=True)
    by = StringField(null=True)
    news = ListField(DictField())
    at = DateTimeField(required=True)
    read_at = DateTimeField(null=True)
    mailed = IntField(required=True, min_value=0)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "inbox",
        "indexes": [
            {"name": "newest", "fields": ["user_id", "-at", "-id"]},
            {"name": "unread", "fields": ["user_id", "read_at", "-at", "-id"]},
            {"name": "expiry", "fields": ["read_at"], "expireAfterSeconds": _KEEP_READ_ITEMS},
        ],
    }


class WatchDocument(Document):
    """A task that a user watches; `_id` is `TASK:USER`."""

    id = StringField(primary_key=True)
    task_id = ObjectIdField(required=True)
    user_id = ObjectIdField(required=True)
    at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "watches",
        "indexes": [{"name": "of_task", "fields": ["task_id"]}],
    }


class PreferencesDocument(Document):
    """The channels that a user has chosen, by kind of news; `_id` is the user's id."""

    id = ObjectIdField(primary_key=True)
    channels = DictField(null=False)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "preferences", "indexes": []}


class PositionDocument(Document):
    """How far the inbox's work has come: in the feed by `seq`, among due dates by `at` and `task_id`."""

    id = StringField(primary_key=True)
    seq = LongField(required=True, min_value=0)
    at = DateTimeField(required=True)
    task_id = ObjectIdField(null=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "inbox_positions", "indexes": []}


class ReminderDocument(Document):
    """That a user was told of a due date; `_id` is `TASK:USER:KIND:DATE`."""

    id = StringField(primary_key=True)
    at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "reminders",
        "indexes": [{"name": "expiry", "fields": ["at"], "expireAfterSeconds": _KEEP_REMINDERS}],
    }


class MailDocument(Document):
    """One mail that is to be sent; `parts` are null until a process has claimed it."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    is_daily = BooleanField(required=True)
    item_ids = ListField(ObjectIdField())
    send_at = DateTimeField(required=True)
    parts = ListField(DictField(), null=True)
    claimed_until = DateTimeField(null=True)
    attempts = IntField(required=True, min_value=0)
    unknown = IntField(required=True, min_value=0)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "mails",
        "indexes": [
            {"name": "due", "fields": ["send_at", "id"]},
            {"name": "of_user", "fields": ["user_id", "is_daily"]},
        ],
    }


INBOX_DOCUMENTS: tuple[type[Document], ...] = (
    InboxItemDocument,
    WatchDocument,
    PreferencesDocument,
    PositionDocument,
    ReminderDocument,
    MailDocument,
)
