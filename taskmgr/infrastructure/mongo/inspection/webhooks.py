"""Checks webhooks beside their fields and their log, and the deliveries to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.webhook import DeliveryState, Webhook
from taskmgr.infrastructure.mongo.inspection.entities import differing_fields
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.mappers.webhooks import delivery, delivery_document, stored_webhook
from taskmgr.infrastructure.mongo.writing import validated_row

_DIGEST_LENGTH = 32  # bytes of SHA-256


def inspect_webhooks(
    snapshot: Snapshot,
    webhooks: Iterator[Webhook],
    users: Collection[str],
    projects: Collection[str],
    report: Report,
) -> None:
    """Reports webhooks with unknown users or projects, and those whose progress no process has stored."""
    for webhook in webhooks:
        if is_identifier(webhook.created_by) and webhook.created_by not in users:
            detail = f"Its creator {webhook.created_by} does not exist."
            report(f"webhook {webhook.id}", "unknown_user", detail)
        if webhook.project is not None and webhook.project not in projects:
            detail = f"Its project {webhook.project} does not exist."
            report(f"webhook {webhook.id}", "unknown_project", detail)
    for row in snapshot.rows("webhooks", {"_id": OBJECT_ID}):
        for detail in _check_progress(row):
            report(f"webhook {row['_id']}", "bad_value", detail)


def _check_progress(row: Row) -> Iterator[str]:
    try:
        stored = stored_webhook(row)
    except UNREADABLE:
        yield "Its secret, position or replay cannot be read."
        return
    secrets = [stored.secret, *([stored.former.secret] if stored.former else [])]
    if any(len(secret.digest) != _DIGEST_LENGTH or not secret.salt for secret in secrets):
        yield f"The digest of a secret does not have {_DIGEST_LENGTH} bytes, or its salt is empty."
    if stored.replay is not None and not 0 <= stored.replay.after < stored.replay.until:
        yield "Its replay has no entries."


def inspect_deliveries(snapshot: Snapshot, report: Report) -> None:
    """Reports deliveries that no process has stored; the webhook may have been deleted."""
    for row in snapshot.rows("deliveries", {}):
        subject = f"delivery {row['_id']}"
        try:
            entity = delivery(row)
            expected = validated_row(delivery_document(entity, row.get("claim")))
        except UNREADABLE as error:
            report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
            continue
        if names := differing_fields(row, expected):
            report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
        if entity.id != f"{entity.webhook_id}:{entity.seq}":
            report(subject, "bad_value", "Its id does not consist of its webhook and its number.")
        if (entity.state is DeliveryState.PENDING) is not (entity.next_attempt_at is not None):
            report(subject, "bad_value", f"It is {entity.state.value}, which contradicts its next attempt.")
        if bool(entity.attempts) is not (entity.last_attempt is not None):
            report(subject, "bad_value", f"Its last attempt contradicts their number, {entity.attempts}.")
