"""Follows the feed for webhooks: stores a delivery for each entry, and records the attempts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from taskmgr.domain.history.changes import KINDS
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.webhook import (
    MAX_FAILING,
    Attempt,
    Delivery,
    Disabled,
    Webhook,
    new_delivery,
    selected_kinds,
)
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.feed import FeedPart
from taskmgr.domain.ports.store import Store
from taskmgr.domain.ports.webhooks import Replay, StoredWebhook
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.visible_changes import visible
from taskmgr.domain.services.webhooks.messages import Messenger, creator_of

LEASE = timedelta(seconds=30)  # twice as long as an attempt may take
PART = 100  # entries for which deliveries are stored in one transaction
MAX_DUE = 500  # with so many deliveries waiting, a webhook reads no further: the feed is its queue
# Entries that are of no interest to a webhook move its stored position only now and then.
MAX_SKIPPED = 1_000
_BY = Actor.system("webhooks")
_OUR_ERROR = "The message could not be sent; the service's log has the reason."


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryService:
    """What the background process does for webhooks. Two processes may do it at once."""

    store: Store
    journal: Journal
    messenger: Messenger
    clock: Clock
    # How far each webhook has read, if the entries since its stored position are of no interest to it.
    _skipped: dict[str, int] = field(default_factory=dict)

    def active(self) -> Sequence[StoredWebhook]:
        """Returns the webhooks to which changes are sent; disables those whose creator is deactivated."""
        found = self.store.webhooks.find_all(active=True)
        inactive = {each.webhook.id for each in found if creator_of(self.store, each.webhook) is None}
        for webhook_id in inactive:
            self._disable(webhook_id, Disabled.CREATOR_INACTIVE)
        return [each for each in found if each.webhook.id not in inactive]

    def head(self) -> int:
        """Returns the number of the last entry of the feed."""
        return self.store.feed.head().seq

    def follow(self, stored: StoredWebhook, head: int) -> bool:
        """Stores deliveries for some of the next entries; returns True if there are more to read.

        The position is moved in the same transaction, so no entry is left out or counted twice. A replay
        goes on when there are no new entries.
        """
        webhook_id = stored.webhook.id
        position = max(stored.position, self._skipped.get(webhook_id, 0))
        if (position == head and not stored.replay) or self._is_full(webhook_id):
            return False
        command = self._next if position < head else self._replayed
        if position > head:  # a backup was restored
            command = self._back
        try:
            return self.store.unit_of_work.run(lambda: command(self.store.webhooks.get(webhook_id), head))
        except NotFound:  # deleted meanwhile
            return False

    def _next(self, stored: StoredWebhook, head: int) -> bool:
        webhook = stored.webhook
        after = max(stored.position, self._skipped.get(webhook.id, 0))
        part = self._read(webhook, after, PART)
        if part.entries or part.last - stored.position >= MAX_SKIPPED:
            self.store.deliveries.add(self._new(webhook, part))
            self.store.webhooks.advance(webhook.id, stored.position, part.last)
        else:  # nothing is stored, so nothing is lost if the transaction is not committed
            self._skipped[webhook.id] = part.last
        return after < part.last < head or stored.replay is not None

    def _back(self, stored: StoredWebhook, head: int) -> bool:
        """Goes on from the end of a feed that is shorter than before: its next entries are new ones."""
        self._skipped.pop(stored.webhook.id, None)
        if stored.position > head:
            self.store.webhooks.advance(stored.webhook.id, stored.position, head)
        return True

    def _replayed(self, stored: StoredWebhook, _head: int) -> bool:
        webhook, replay = stored.webhook, stored.replay
        if replay is None:
            return False
        part = self._read(webhook, replay.after, min(PART, replay.until - replay.after))
        self.store.deliveries.restart(self._new(webhook, part))
        is_done = part.last in (replay.after, replay.until)
        rest = None if is_done else Replay(after=part.last, until=replay.until)
        self.store.webhooks.set_replay(webhook.id, replay, rest)
        return not is_done

    def _read(self, webhook: Webhook, after: int, limit: int) -> FeedPart:
        """Returns the next entries that the webhook is for and that its creator may see."""
        creator = creator_of(self.store, webhook)
        if creator is None:  # deactivated meanwhile
            return FeedPart(entries=(), last=after, hash=None)
        projects = None if webhook.project is None else (webhook.project,)
        query = ActivityQuery(kinds=selected_kinds(webhook.kinds, KINDS), projects=projects)
        return self.store.feed.read(after, limit=limit, query=visible(self.store, query, by=creator))

    def _new(self, webhook: Webhook, part: FeedPart) -> list[Delivery]:
        now = self.clock()
        return [new_delivery(webhook.id, entry.seq, entry.change.kind, now=now) for entry in part.entries]

    def _is_full(self, webhook_id: str) -> bool:
        return self.store.deliveries.count_due(webhook_id, now=self.clock(), limit=MAX_DUE) >= MAX_DUE

    def claim(self, stored: StoredWebhook, limit: int) -> Sequence[Delivery]:
        """Returns deliveries of a webhook that are due, which nobody else gets for as long as `LEASE`."""
        now = self.clock()
        return self.store.deliveries.claim(stored.webhook.id, now=now, until=now + LEASE, limit=limit)

    def attempt(self, stored: StoredWebhook, delivery: Delivery) -> Delivery:
        """Sends the message of a delivery; returns the delivery afterwards, which `record` stores."""
        return delivery.after(self.messenger.attempt(stored, delivery), jitter=random.random())  # noqa: S311

    def after_error(self, delivery: Delivery) -> Delivery:
        """Returns a delivery after an attempt that failed for a reason of our own."""
        attempt = Attempt(at=self.clock(), duration_ms=0, error=_OUR_ERROR)
        return delivery.after(attempt, jitter=random.random())  # noqa: S311

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Stores what came of attempts, and disables the webhooks whose receivers are gone or only fail."""
        self.store.deliveries.record(deliveries)
        for webhook_id in {delivery.webhook_id for delivery in deliveries}:
            attempts = [d.last_attempt for d in deliveries if d.webhook_id == webhook_id and d.last_attempt]
            try:
                self._judge(self.store.webhooks.get(webhook_id), attempts)
            except NotFound:  # deleted meanwhile
                continue

    def _judge(self, stored: StoredWebhook, attempts: Sequence[Attempt]) -> None:
        webhook_id, since = stored.webhook.id, stored.failing_since
        if any(attempt.is_gone for attempt in attempts):
            self._disable(webhook_id, Disabled.GONE)
        elif any(attempt.is_success for attempt in attempts):
            if since is not None:
                self.store.webhooks.set_failing_since(webhook_id, None)
        elif since is None:
            self.store.webhooks.set_failing_since(webhook_id, min(attempt.at for attempt in attempts))
        elif _last(attempts) - since >= MAX_FAILING:
            self._disable(webhook_id, Disabled.FAILING)

    def _disable(self, webhook_id: str, because: Disabled) -> None:
        def command() -> None:
            before = self.store.webhooks.get(webhook_id).webhook
            if not before.active:
                return
            after = before.disabled(because, now=time_of_change(self.clock, before))
            self.store.webhooks.replace(after)
            self.journal.record("webhook.changed", before, after, by=_BY)

        self.store.unit_of_work.run(command)


def _last(attempts: Sequence[Attempt]) -> datetime:
    return max(attempt.at for attempt in attempts)
