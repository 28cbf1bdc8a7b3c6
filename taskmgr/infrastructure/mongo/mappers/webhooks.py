"""Converts webhooks and deliveries."""

from __future__ import annotations

from typing import Any

from bson import Binary, ObjectId

from taskmgr.domain.model.webhook import Attempt, Delivery, DeliveryState, Disabled, Webhook
from taskmgr.domain.ports.webhooks import FormerSecret, Replay, StoredSecret, StoredWebhook
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.webhooks import DeliveryDocument, WebhookDocument
from taskmgr.infrastructure.mongo.mappers.rows import Row

# The fields of a webhook's document that are not the webhook's own.
PROGRESS = ("secret", "former", "position", "failing_since", "replay")


def webhook_document(webhook: Webhook, **progress: Any) -> Draft:
    """Returns the draft of a webhook, with the fields of `PROGRESS` that are given."""
    because = webhook.disabled_because
    return draft_of(
        WebhookDocument,
        id=ObjectId(webhook.id),
        url=webhook.url,
        description=webhook.description,
        kinds=list(webhook.kinds),
        project=webhook.project,
        active=webhook.active,
        disabled_because=None if because is None else because.value,
        scopes=None if webhook.scopes is None else list(webhook.scopes),
        secret_changed_at=webhook.secret_changed_at,
        created_by=webhook.created_by,
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
        version=webhook.version,
        **progress,
    )


def webhook(row: Row) -> Webhook:
    because, scopes = row["disabled_because"], row["scopes"]
    return Webhook(
        id=str(row["_id"]),
        url=row["url"],
        description=row["description"],
        kinds=tuple(row["kinds"]),
        project=row["project"],
        active=row["active"],
        disabled_because=None if because is None else Disabled(because),
        scopes=None if scopes is None else tuple(scopes),
        secret_changed_at=row["secret_changed_at"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )


def stored_webhook(row: Row) -> StoredWebhook:
    former, replay = row.get("former"), row.get("replay")
    return StoredWebhook(
        webhook=webhook(row),
        secret=_secret(row["secret"]),
        former=FormerSecret(secret=_secret(former), until=former["until"]) if former else None,
        position=row["position"],
        failing_since=row.get("failing_since"),
        replay=Replay(after=replay["after"], until=replay["until"]) if replay else None,
    )


def secret_row(secret: StoredSecret) -> dict[str, Any]:
    return {"salt": Binary(secret.salt), "digest": Binary(secret.digest)}


def _secret(row: Row) -> StoredSecret:
    return StoredSecret(salt=bytes(row["salt"]), digest=bytes(row["digest"]))


def former_row(former: FormerSecret) -> dict[str, Any]:
    return {**secret_row(former.secret), "until": former.until}


def replay_row(replay: Replay) -> dict[str, Any]:
    return {"after": replay.after, "until": replay.until}


def delivery_document(delivery: Delivery, claim: str | None = None) -> Draft:
    attempt = delivery.last_attempt
    return draft_of(
        DeliveryDocument,
        id=delivery.id,
        webhook_id=ObjectId(delivery.webhook_id),
        seq=delivery.seq,
        kind=delivery.kind,
        state=delivery.state.value,
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        next_at=delivery.next_attempt_at,
        claim=claim,
        last_attempt=None if attempt is None else _attempt_row(attempt),
    )


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": attempt.at,
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "response": attempt.response,
        "error": attempt.error,
    }


def delivery(row: Row) -> Delivery:
    attempt = row.get("last_attempt")
    return Delivery(
        id=row["_id"],
        webhook_id=str(row["webhook_id"]),
        seq=row["seq"],
        kind=row["kind"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        created_at=row["created_at"],
        next_attempt_at=row.get("next_at"),
        last_attempt=Attempt(**attempt) if attempt else None,
    )
