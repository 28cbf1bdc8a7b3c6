"""The use cases: all that can be asked of the system, with the same rules for every caller."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model.errors import NotPermitted
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.commands import UserRepository
from taskmgr.domain.ports.store import Health
from taskmgr.domain.services.activity import ActivityService
from taskmgr.domain.services.bulk import BulkService
from taskmgr.domain.services.comments import CommentService
from taskmgr.domain.services.derived import DerivedService
from taskmgr.domain.services.idempotency import IdempotencyService
from taskmgr.domain.services.statistics import StatisticsService
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.domain.services.tokens import TokenService
from taskmgr.domain.services.users import UserService


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Everything that an interface needs, put together by `taskmgr.bootstrap`."""

    tasks: TaskService
    users: UserService
    tokens: TokenService
    comments: CommentService
    bulk: BulkService
    derived: DerivedService
    idempotency: IdempotencyService
    activity: ActivityService
    statistics: StatisticsService
    policy: Policy
    health: Health
    user_directory: UserRepository

    def actor(self, username: str) -> Actor:
        """The user of this name in any case, for `by=`.

        Raises `NotFound`, or `NotPermitted` if deactivated.
        """
        user = self.user_directory.get_by_username(username.strip().lower())
        if not user.active:
            raise NotPermitted(f"The user {username} is deactivated.")
        return Actor.of(user)

    @staticmethod
    def system(name: str) -> Actor:
        """A named process, for `by=`: `system("nightly-triage")` acts as `system:nightly-triage`."""
        return Actor.system(name)
