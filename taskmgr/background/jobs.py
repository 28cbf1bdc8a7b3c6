"""The jobs of the background process."""

from __future__ import annotations

from typing import Protocol

from taskmgr.background.inbox import InboxJob
from taskmgr.background.webhooks import WebhookJob
from taskmgr.domain.services import Services
from taskmgr.domain.services.webhooks.deliveries import DeliveryService


class Job(Protocol):
    """Work that follows the feed. Several processes may run the same job for a moment."""

    @property
    def name(self) -> str:
        """The name in the log."""

    def step(self) -> float:
        """Does what is due now.

        Returns the seconds after which it has to be called again; it is called earlier if the feed grows.
        """


def build_jobs(services: Services) -> list[Job]:
    """Returns the jobs over these services."""
    webhooks = services.webhooks
    deliveries = DeliveryService(
        store=webhooks.store,
        journal=webhooks.journal,
        messenger=webhooks.messenger,
        clock=webhooks.clock,
    )
    return [WebhookJob(deliveries), InboxJob(services.notifier)]
