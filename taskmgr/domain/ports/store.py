"""All ports of one store together, and its health."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from taskmgr.domain.ports.commands import (
    ActivityRepository,
    CommentRepository,
    Locks,
    TaskRepository,
    UnitOfWork,
    UserRepository,
)
from taskmgr.domain.ports.feed import FeedRepository, FeedStreams
from taskmgr.domain.ports.idempotency import IdempotencyRepository
from taskmgr.domain.ports.identity import TokenRepository
from taskmgr.domain.ports.inbox import InboxRepository, PreferencesRepository, WatchRepository
from taskmgr.domain.ports.mail import MailRepository
from taskmgr.domain.ports.projects import ProjectRepository
from taskmgr.domain.ports.reads import StatisticsRepository
from taskmgr.domain.ports.sign_in import (
    AccountRepository,
    AttemptRepository,
    LinkRepository,
    PasswordRepository,
    SessionRepository,
)
from taskmgr.domain.ports.views import ViewRepository
from taskmgr.domain.ports.webhooks import DeliveryRepository, WebhookRepository


class Health(Protocol):
    """Tells whether the store works, and bounds how long it may take."""

    def check(self) -> None:
        """Raises `Unavailable` unless the store can take a write now."""

    def latest_write(self) -> str | None:
        """Returns a text that changes with every visible write, or None if the store has no such text.

        Whatever is read after this call is at least as new as the returned text says.
        """

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Bounds the time of all calls to the store inside the block; an earlier deadline stays in force."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """All the ports of one store."""

    unit_of_work: UnitOfWork
    tasks: TaskRepository
    users: UserRepository
    projects: ProjectRepository
    statistics: StatisticsRepository
    comments: CommentRepository
    activity: ActivityRepository
    feed: FeedRepository
    feed_streams: FeedStreams
    inbox: InboxRepository
    watches: WatchRepository
    preferences: PreferencesRepository
    mails: MailRepository
    tokens: TokenRepository
    views: ViewRepository
    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    sessions: SessionRepository
    passwords: PasswordRepository
    links: LinkRepository
    accounts: AccountRepository
    attempts: AttemptRepository
    idempotency: IdempotencyRepository
    locks: Locks
    health: Health
