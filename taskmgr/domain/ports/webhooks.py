"""What webhooks need: their repository, that of their deliveries, and their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskmgr.domain.model.webhook import Delivery, DeliveryState, Webhook
from taskmgr.domain.queries.pages import Page, PageRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSecret:
    """What is stored in place of a secret: the secret follows from `salt` and the service's secret key."""

    salt: bytes
    digest: bytes  # of the secret, to notice that the secret key has changed


@dataclass(frozen=True, kw_only=True, slots=True)
class FormerSecret:
    """A secret that has been replaced, and that signs until a time."""

    secret: StoredSecret
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """Entries of the feed that are sent again: those after the number `after`, up to `until`."""

    after: int
    until: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredWebhook:
    """A webhook with how far it has come.

    `position` is the number of the last entry of the feed for which a delivery was stored or not needed.
    `failing_since` is when the first attempt after the last success failed, or None.
    """

    webhook: Webhook
    secret: StoredSecret
    former: FormerSecret | None = None
    position: int
    failing_since: datetime | None = None
    replay: Replay | None = None


class SecretLost(Exception):
    """A secret can no longer be computed, because the service's secret key has changed."""


class SigningSecrets(Protocol):
    """Makes the secrets with which requests to webhooks are signed."""

    def new(self) -> StoredSecret:
        """Returns a new secret, as it is stored."""

    def reveal(self, stored: StoredSecret) -> bytes:
        """Returns the secret itself. Raises `SecretLost`."""


class WebhookRepository(Protocol):
    """Stores webhooks."""

    def get(self, webhook_id: str) -> StoredWebhook:
        """Returns the webhook. Raises `NotFound`."""

    def find_all(self, *, active: bool | None = None) -> Sequence[StoredWebhook]:
        """Returns all webhooks, or those that are active or not, oldest first."""

    def add(self, stored: StoredWebhook) -> None:
        """Stores a new webhook."""

    def replace(self, webhook: Webhook) -> None:
        """Stores the next version of a webhook. Raises `WriteConflict`."""

    def replace_secret(self, webhook: Webhook, secret: StoredSecret, former: FormerSecret) -> None:
        """Stores the next version of a webhook with another secret. Raises `WriteConflict`."""

    def remove(self, webhook: Webhook) -> None:
        """Deletes this version of a webhook. Raises `WriteConflict` if another version is stored."""

    def advance(self, webhook_id: str, before: int, after: int) -> None:
        """Moves the position. Raises `WriteConflict` unless it was `before`, or if there is no webhook."""

    def set_replay(self, webhook_id: str, before: Replay | None, after: Replay | None) -> None:
        """Sets what is sent again. Raises `WriteConflict` unless it was `before`."""

    def set_failing_since(self, webhook_id: str, since: datetime | None) -> None:
        """Stores since when all attempts have failed."""


class DeliveryRepository(Protocol):
    """Stores deliveries for 30 days."""

    def get(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Returns a delivery to a webhook. Raises `NotFound`."""

    def find(
        self, webhook_id: str, page_request: PageRequest, *, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        """Returns a page of a webhook's deliveries, the latest entries of the feed first."""

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Stores new deliveries; those that exist stay as they are."""

    def restart(self, deliveries: Sequence[Delivery]) -> None:
        """Stores new deliveries, also in place of those that exist."""

    def count_due(self, webhook_id: str, *, now: datetime, limit: int) -> int:
        """Returns how many deliveries are due, but not more than `limit`."""

    def claim(self, webhook_id: str, *, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Returns at most `limit` deliveries that are due, which nobody else gets before `until`."""

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Stores the states of claimed deliveries after an attempt."""
