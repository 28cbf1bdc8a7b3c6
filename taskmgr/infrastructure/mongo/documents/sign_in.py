"""Declares the stored form of sessions, passwords, links, accounts and counted attempts.

MongoDB removes expired sessions, links and attempts itself, some time after they have expired.
"""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import Document
from mongoengine.fields import BinaryField, DateTimeField, IntField, LongField, ObjectIdField, StringField

from taskmgr.infrastructure.mongo.documents.draft import COMMON

MAX_USER_AGENT_LENGTH = 200
MAX_ADDRESS_LENGTH = 100
_EXPIRY = {"name": "expiry", "fields": ["expires_at"], "expireAfterSeconds": 0}


class SessionDocument(Document):
    """One session, without its secret."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    user_agent = StringField(max_length=MAX_USER_AGENT_LENGTH)
    address = StringField(max_length=MAX_ADDRESS_LENGTH)
    secret_hash = BinaryField(required=True, max_bytes=32)
    created_at = DateTimeField(required=True)
    expires_at = DateTimeField(required=True)
    last_used_at = DateTimeField(required=True)
    touched = LongField()

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "sessions",
        "indexes": [{"name": "owner", "fields": ["user_id", "-created_at"]}, _EXPIRY],
    }


class PasswordDocument(Document):
    """The hash of one user's password; `_id` is the user's. Documents of users are read too widely for it."""

    id = ObjectIdField(primary_key=True)
    hash = StringField(required=True)
    set_at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "passwords", "indexes": []}


class LinkDocument(Document):
    """One sign-in link, without its secret."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    created_by = StringField(required=True)
    secret_hash = BinaryField(required=True, max_bytes=32)
    created_at = DateTimeField(required=True)
    expires_at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "links",
        "indexes": [{"name": "user", "fields": ["user_id", "-created_at"]}, _EXPIRY],
    }


class AccountDocument(Document):
    """One account at the identity provider, linked to a user."""

    id = ObjectIdField(primary_key=True)
    user_id = ObjectIdField(required=True)
    issuer = StringField(required=True)
    subject = StringField(required=True)
    created_at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "accounts",
        "indexes": [
            {"name": "account", "fields": ["issuer", "subject"], "unique": True},
            {"name": "user", "fields": ["user_id", "-created_at"]},
        ],
    }


class AttemptDocument(Document):
    """How often a password has been wrong in one window; `_id` is a digest of what is counted."""

    id = StringField(primary_key=True)
    count = IntField(required=True, min_value=0)
    expires_at = DateTimeField(required=True)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "attempts", "indexes": [_EXPIRY]}
