"""The use cases: everything that callers can ask or do, with the same rules for all of them.

Each module has one area of use cases; those of tasks, webhooks and the demo are packages.
"""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.store import Health
from taskmgr.domain.services.accounts import AccountService
from taskmgr.domain.services.activity import ActivityService
from taskmgr.domain.services.bulk import BulkService
from taskmgr.domain.services.comments import CommentService
from taskmgr.domain.services.demo.commands import DemoService
from taskmgr.domain.services.derived import DerivedService
from taskmgr.domain.services.feed import FeedService
from taskmgr.domain.services.idempotency import IdempotencyService
from taskmgr.domain.services.inbox import InboxService
from taskmgr.domain.services.links import LinkService
from taskmgr.domain.services.notifying import Notifier
from taskmgr.domain.services.passwords import PasswordService
from taskmgr.domain.services.projects import ProjectService
from taskmgr.domain.services.sessions import SessionService
from taskmgr.domain.services.statistics import StatisticsService
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.domain.services.tokens import TokenService
from taskmgr.domain.services.users import UserService
from taskmgr.domain.services.views import ViewService
from taskmgr.domain.services.webhooks.commands import WebhookService


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """All services that an interface needs. `taskmgr.bootstrap` builds them."""

    tasks: TaskService
    users: UserService
    projects: ProjectService
    tokens: TokenService
    sessions: SessionService
    passwords: PasswordService
    links: LinkService
    accounts: AccountService
    comments: CommentService
    inbox: InboxService
    notifier: Notifier
    bulk: BulkService
    derived: DerivedService
    idempotency: IdempotencyService
    activity: ActivityService
    feed: FeedService
    statistics: StatisticsService
    views: ViewService
    webhooks: WebhookService
    demo: DemoService
    policy: Policy
    health: Health

    def actor(self, username: str) -> Actor:
        """Returns the user of this name, in any case, for `by=`.

        Raises `NotFound`, or `NotPermitted` if the user is deactivated.
        """
        return self.users.actor(username)

    @staticmethod
    def system(name: str) -> Actor:
        """Returns a named process, for `by=`: `system("nightly-triage")` acts as `system:nightly-triage`."""
        return Actor.system(name)
