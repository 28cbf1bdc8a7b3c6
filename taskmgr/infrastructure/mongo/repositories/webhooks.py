"""`WebhookRepository` on the collection `webhooks`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.errors import NotFound, WriteConflict
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.webhook import Webhook
from taskmgr.domain.ports.webhooks import FormerSecret, Replay, StoredSecret, StoredWebhook
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors
from taskmgr.infrastructure.mongo.mappers.webhooks import (
    former_row,
    replay_row,
    secret_row,
    stored_webhook,
    webhook_document,
)
from taskmgr.infrastructure.mongo.transaction import count_write
from taskmgr.infrastructure.mongo.writing import insert, replace


@raises_domain_errors
class MongoWebhookRepository:
    def __init__(self, database: Database[Any]) -> None:
        self._webhooks = database["webhooks"]

    def get(self, webhook_id: str) -> StoredWebhook:
        row = self._webhooks.find_one({"_id": ObjectId(webhook_id)}) if is_identifier(webhook_id) else None
        if row is None:
            raise NotFound("webhook", webhook_id)
        return stored_webhook(row)

    def find_all(self, *, active: bool | None = None) -> Sequence[StoredWebhook]:
        filters = {} if active is None else {"active": active}
        return [stored_webhook(row) for row in self._webhooks.find(filters).sort("_id", 1)]

    def add(self, stored: StoredWebhook) -> None:
        progress = {"secret": secret_row(stored.secret), "position": stored.position}
        insert(self._webhooks, webhook_document(stored.webhook, **progress))

    def replace(self, webhook: Webhook) -> None:
        replace(self._webhooks, webhook_document(webhook))

    def replace_secret(self, webhook: Webhook, secret: StoredSecret, former: FormerSecret) -> None:
        progress = {"secret": secret_row(secret), "former": former_row(former)}
        replace(self._webhooks, webhook_document(webhook, **progress))

    def remove(self, webhook: Webhook) -> None:
        count_write()
        version = {"_id": ObjectId(webhook.id), "version": webhook.version}
        if self._webhooks.delete_one(version).deleted_count != 1:
            raise WriteConflict

    def advance(self, webhook_id: str, before: int, after: int) -> None:
        self._update(webhook_id, {"position": before}, {"position": after})

    def set_replay(self, webhook_id: str, before: Replay | None, after: Replay | None) -> None:
        present = None if before is None else replay_row(before)
        self._update(
            webhook_id, {"replay": present}, {"replay": None if after is None else replay_row(after)}
        )

    def set_failing_since(self, webhook_id: str, since: datetime | None) -> None:
        count_write()
        self._webhooks.update_one({"_id": ObjectId(webhook_id)}, _change({"failing_since": since}))

    def _update(self, webhook_id: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Changes a field. Raises `WriteConflict` unless it has the value `before`."""
        count_write()
        condition = {"_id": ObjectId(webhook_id), **before}
        if self._webhooks.update_one(condition, _change(after)).matched_count != 1:
            raise WriteConflict


def _change(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the update that stores these fields, and removes those that are None."""
    changes = {
        "$set": {name: value for name, value in fields.items() if value is not None},
        "$unset": {name: "" for name, value in fields.items() if value is None},
    }
    return {operator: values for operator, values in changes.items() if values}
