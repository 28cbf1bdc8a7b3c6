"""Delivers changes to webhooks: follows the feed, sends what is due, and records what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event

import structlog

from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.model.webhook import Delivery
from taskmgr.domain.ports.webhooks import StoredWebhook
from taskmgr.domain.services.webhooks.deliveries import DeliveryService
from taskmgr.metrics.instruments import WEBHOOK_DELIVERIES

MAX_CALLS = 64
# Of one webhook. A webhook whose receiver fails gets one call at a time, because calls that wait for their
# time limit would otherwise take all of `MAX_CALLS`.
MAX_CALLS_EACH, MAX_CALLS_FAILING = 4, 1
_MAX_PARTS = 5  # parts of the feed that one webhook reads before the next one has its turn
_IDLE = 1.0  # seconds; deliveries become due without the feed growing
_BUSY = 0.1  # seconds; waits for the end of a call
_MAX_CLOSE = 8.0  # seconds; less than the jobs are given for their end

_log = structlog.get_logger("taskmgr.background")


class WebhookJob:
    """Implements `Job`. Calls are made in threads; everything else happens in `step`."""

    name = "webhooks"

    def __init__(self, deliveries: DeliveryService) -> None:
        self._deliveries = deliveries
        self._threads = ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="webhook")
        self._calls: dict[Future[Delivery], Delivery] = {}  # each with what it sends
        self._call_ended = Event()

    def step(self) -> float:
        """Does what is due now. Returns 0 while calls are in progress."""
        self._call_ended.clear()
        self._record()
        webhooks = self._deliveries.active()
        is_behind = self._follow(webhooks)
        self._start_calls(webhooks)
        if self._calls and not is_behind:
            self._call_ended.wait(_BUSY)
        return 0.0 if self._calls or is_behind else _IDLE

    def close(self) -> None:
        """Waits for the calls in progress: what is not recorded would be sent again."""
        wait(self._calls, timeout=_MAX_CLOSE)
        self._record()

    def _follow(self, webhooks: Sequence[StoredWebhook]) -> bool:
        """Stores deliveries for new entries; returns True if a webhook has more to read."""
        if not webhooks:
            return False
        head = self._deliveries.head()
        is_behind = False
        for stored in webhooks:
            parts = 0
            while self._deliveries.follow(stored, head) and (parts := parts + 1) < _MAX_PARTS:
                pass
            is_behind = is_behind or parts == _MAX_PARTS
        return is_behind

    def _start_calls(self, webhooks: Sequence[StoredWebhook]) -> None:
        """Starts calls, one after the other for each webhook in turn if there are not enough for all."""
        calls = self._number_of_calls()
        waiting = sorted(webhooks, key=lambda stored: calls[stored.webhook.id])
        is_scarce = len(webhooks) * MAX_CALLS_EACH > MAX_CALLS - len(self._calls)
        while waiting:
            at_once = 1 if is_scarce else MAX_CALLS_EACH
            waiting = [stored for stored in waiting if self._start_some(stored, at_once)]

    def _start_some(self, stored: StoredWebhook, at_once: int) -> bool:
        """Starts at most so many calls of a webhook; returns True if it may have more to send."""
        most = MAX_CALLS_EACH if stored.failing_since is None else MAX_CALLS_FAILING
        most -= self._number_of_calls()[stored.webhook.id]
        free = min(at_once, most, MAX_CALLS - len(self._calls))
        deliveries = self._deliveries.claim(stored, free) if free > 0 else ()
        for delivery in deliveries:
            call = self._threads.submit(self._deliveries.attempt, stored, delivery)
            self._calls[call] = delivery
            call.add_done_callback(lambda _: self._call_ended.set())
        return len(deliveries) == free > 0

    def _record(self) -> None:
        """Stores what came of the calls that have ended."""
        attempted = []
        for call in [call for call in self._calls if call.done()]:
            delivery, error = self._calls.pop(call), call.exception()
            if error is None:
                attempted.append(call.result())
            elif not isinstance(error, Unavailable):  # otherwise it is sent when its claim has expired
                _log.error("a message could not be sent", delivery=delivery.id, exc_info=error)
                attempted.append(self._deliveries.after_error(delivery))
        if attempted:
            self._deliveries.record(attempted)
        for delivery in attempted:
            WEBHOOK_DELIVERIES.labels(_outcome(delivery)).inc()

    def _number_of_calls(self) -> Counter[str]:
        """Returns the number of calls in progress, by webhook."""
        return Counter(delivery.webhook_id for delivery in self._calls.values())


def _outcome(delivery: Delivery) -> str:
    attempt = delivery.last_attempt
    return "delivered" if attempt is not None and attempt.is_success else "failed"
