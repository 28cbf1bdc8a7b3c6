"""Makes and sends messages to webhooks, by Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.safe_text import without_controls
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor, Role
from taskmgr.domain.model.webhook import Attempt, Delivery, Webhook
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.outgoing import CallFailed, Outgoing, Reply
from taskmgr.domain.ports.store import Store
from taskmgr.domain.ports.webhooks import SecretLost, SigningSecrets, StoredWebhook
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services.visible_changes import as_seen_by, visible
from taskmgr.domain.services.webhooks.payload import Payloads, encode

SECRET_PREFIX = "whsec_"  # noqa: S105 - not a secret
MAX_RESPONSE = 1_024  # bytes of an answer that are kept
_LOST = "The secret cannot be computed, because TASKMGR_SECRET_KEY has changed: rotate it."
_HIDDEN = "The entry cannot be seen any more by the user who created the webhook."
TEST_KIND = "webhook.test"


def secret_text(secret: bytes) -> str:
    """Returns a secret as receivers enter it: `whsec_…`."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Returns the signature of a message, as one part of the header."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()}"


def creator_of(store: Store, webhook: Webhook) -> Actor | None:
    """Returns whose rights decide what a webhook sees, or None if that user does not exist or is deactivated.

    The rights are those of the user's present role, limited by the token with which it was created.
    """
    if webhook.created_by.startswith("system:"):
        return Actor(id=webhook.created_by, role=Role.ADMIN)
    try:
        user = store.users.get(webhook.created_by)
    except NotFound:
        return None
    if not user.active:
        return None
    scopes = None if webhook.scopes is None else frozenset(webhook.scopes)
    return replace(Actor.of(user), scopes=scopes)


def may_see_tasks(actor: Actor) -> bool:
    """Returns whether the actor may read tasks, without which a webhook would see nothing."""
    return actor.holds(Scope.TASKS_READ)


@dataclass(frozen=True, kw_only=True, slots=True)
class Messenger:
    """Sends messages to webhooks. Methods may be called in several threads at once."""

    store: Store
    outgoing: Outgoing
    secrets: SigningSecrets
    payloads: Payloads
    clock: Clock
    user_agent: str

    def attempt(self, stored: StoredWebhook, delivery: Delivery) -> Attempt:
        """Sends the message of a delivery and returns what came of it."""
        body = self._body(stored.webhook, delivery)
        if body is None:
            return Attempt(at=self.clock(), duration_ms=0, error=_HIDDEN)
        return self._send(stored, delivery.id, body)

    def send_test(self, stored: StoredWebhook, message_id: str) -> Attempt:
        """Sends a message of the kind `webhook.test` and returns what came of it."""
        timestamp = format_instant(self.clock())
        body = encode({"type": TEST_KIND, "timestamp": timestamp, "seq": None, "data": {}})
        return self._send(stored, message_id, body)

    def _body(self, webhook: Webhook, delivery: Delivery) -> bytes | None:
        creator = creator_of(self.store, webhook)
        if creator is None:
            return None
        part = self.store.feed.read(
            delivery.seq - 1, limit=1, query=visible(self.store, ActivityQuery(), by=creator)
        )
        if not part.entries:
            return None
        return self.payloads.body(delivery.seq, as_seen_by(creator, part.entries[0].change), creator)

    def _send(self, stored: StoredWebhook, message_id: str, body: bytes) -> Attempt:
        at, started = self.clock(), time.perf_counter()
        try:
            headers = self._headers(stored, message_id, int(at.timestamp()), body, now=at)
            reply = self.outgoing.post(stored.webhook.url, body, headers)
        except SecretLost:
            return Attempt(at=at, duration_ms=0, error=_LOST)
        except CallFailed as error:
            return Attempt(at=at, duration_ms=_milliseconds(started), error=str(error))
        return Attempt(
            at=at,
            duration_ms=_milliseconds(started),
            status=reply.status,
            response=_beginning(reply.body),
            retry_after=_retry_after(reply, now=at),
        )

    def _headers(
        self, stored: StoredWebhook, message_id: str, timestamp: int, body: bytes, *, now: datetime
    ) -> Mapping[str, str]:
        secrets = [stored.secret]
        if stored.former is not None and now < stored.former.until:
            secrets.append(stored.former.secret)
        signatures = [
            signature(self.secrets.reveal(secret), message_id, timestamp, body) for secret in secrets
        ]
        return {
            "Content-Type": "application/json",
            "User-Agent": self.user_agent,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def _milliseconds(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _beginning(body: bytes) -> str:
    return without_controls(body[:MAX_RESPONSE].decode("utf-8", "replace"), keep_lines=True)


def _retry_after(reply: Reply, *, now: datetime) -> datetime | None:
    """Returns when the receiver wants to be called again: RFC 9110, 10.2.3; None if it does not say."""
    text = (reply.retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return now + timedelta(seconds=min(int(text[:9]), 10**6))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
