"""Declares the stored form of webhooks and of deliveries to them."""

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

from taskmgr.domain.model.webhook import MAX_URL_LENGTH, MAX_WEBHOOK_DESCRIPTION, DeliveryState, Disabled
from taskmgr.infrastructure.mongo.documents.draft import COMMON

DELIVERY_DAYS = 30
_SECONDS_PER_DAY = 86_400


class WebhookDocument(Document):
    """One webhook, and how far it has come: see `StoredWebhook`.

    `secret` and `former` hold what the secrets are computed from, together with the service's secret key.
    """

    id = ObjectIdField(primary_key=True)
    url = StringField(required=True, max_length=MAX_URL_LENGTH)
    description = StringField(max_length=MAX_WEBHOOK_DESCRIPTION)
    kinds = ListField(StringField())
    project = StringField(null=True)
    active = BooleanField(required=True)
    disabled_because = StringField(null=True, choices=[each.value for each in Disabled])
    scopes = ListField(StringField(), null=True)
    secret_changed_at = DateTimeField(required=True)
    created_by = StringField(required=True)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    version = LongField(required=True, min_value=1)
    # Not part of a version, and not in the log:
    secret = DictField(null=False)
    former = DictField(null=False)
    position = LongField(min_value=0)
    failing_since = DateTimeField()
    replay = DictField(null=False)

    meta: ClassVar[dict[str, Any]] = {**COMMON, "collection": "webhooks", "indexes": []}


class DeliveryDocument(Document):
    """One entry of the feed on its way to one webhook; `_id` is `<webhook>:<seq>`.

    `next_at` is when it is due, or until when a process has claimed it; deliveries that are not pending lack
    it. `claim` names that process's claim.
    """

    id = StringField(primary_key=True)
    webhook_id = ObjectIdField(required=True)
    seq = LongField(required=True, min_value=1)
    kind = StringField(required=True)
    state = StringField(required=True, choices=[state.value for state in DeliveryState])
    attempts = IntField(required=True, min_value=0)
    created_at = DateTimeField(required=True)
    next_at = DateTimeField()
    claim = StringField()
    last_attempt = DictField(null=False)

    meta: ClassVar[dict[str, Any]] = {
        **COMMON,
        "collection": "deliveries",
        "indexes": [
            {"name": "newest", "fields": ["webhook_id", "-seq"]},
            {
                "name": "due",
                "fields": ["webhook_id", "next_at", "seq"],
                "partialFilterExpression": {"next_at": {"$type": "date"}},
            },
            {
                "name": "expiry",
                "fields": ["created_at"],
                "expireAfterSeconds": DELIVERY_DAYS * _SECONDS_PER_DAY,
            },
        ],
    }
