"""The jobs of the background process."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from taskmgr.background.inbox import InboxJob
from taskmgr.background.mail import MailJob
from taskmgr.background.webhooks import WebhookJob
from taskmgr.domain.services import Services
from taskmgr.domain.services.mailing import MailService
from taskmgr.domain.services.webhooks.deliveries import DeliveryService
from taskmgr.infrastructure.outside.smtp import SmtpMailer
from taskmgr.settings import Settings


class Job(Protocol):
    """Work that follows the feed. Several processes may run the same job for a moment."""

    @property
    def name(self) -> str:
        """The name in the log."""

    def step(self) -> float:
        """Does what is due now.

        Returns the seconds after which it has to be called again; it is called earlier if the feed grows.
        """

    def close(self) -> None:
        """Brings what is in progress to its end, within a few seconds. Called after the last step."""


def build_jobs(services: Services, settings: Settings) -> list[Job]:
    """Returns the jobs over these services."""
    webhooks = services.webhooks
    deliveries = DeliveryService(
        store=webhooks.store,
        journal=webhooks.journal,
        messenger=webhooks.messenger,
        clock=webhooks.clock,
    )
    return [WebhookJob(deliveries), *_telling(services, settings)]


def _telling(services: Services, settings: Settings) -> list[Job]:
    """Returns the jobs that tell users what concerns them; without a mail server, only in their inboxes."""
    notifier = services.notifier
    if settings.smtp_url is None or settings.mail_from is None:
        return [InboxJob(notifier)]
    mails = MailService(
        store=notifier.store, policy=notifier.policy, clock=notifier.clock, new_id=notifier.new_id,
        public_url=settings.public_url, tokens=services.inbox.tokens,
    )  # fmt: skip
    mailer = SmtpMailer(url=settings.smtp_url, sender=settings.mail_from)
    return [InboxJob(replace(notifier, mails=mails)), MailJob(mails, mailer)]
