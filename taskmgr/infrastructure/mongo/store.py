"""Builds the domain's ports on one MongoDB database."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import tzinfo
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.ports.store import Store
from taskmgr.infrastructure.mongo.client import COMMAND_DEADLINE
from taskmgr.infrastructure.mongo.feed.growth import MongoFeedStreams
from taskmgr.infrastructure.mongo.health import MongoHealth
from taskmgr.infrastructure.mongo.reads.task_records import TaskRecordCache
from taskmgr.infrastructure.mongo.repositories.activity import MongoActivityRepository
from taskmgr.infrastructure.mongo.repositories.comments import MongoCommentRepository
from taskmgr.infrastructure.mongo.repositories.deliveries import MongoDeliveryRepository
from taskmgr.infrastructure.mongo.repositories.feed import MongoFeedRepository
from taskmgr.infrastructure.mongo.repositories.idempotency import MongoIdempotencyRepository
from taskmgr.infrastructure.mongo.repositories.inbox import MongoInboxRepository
from taskmgr.infrastructure.mongo.repositories.locks import MongoLocks
from taskmgr.infrastructure.mongo.repositories.mails import MongoMailRepository
from taskmgr.infrastructure.mongo.repositories.preferences import MongoPreferencesRepository
from taskmgr.infrastructure.mongo.repositories.projects import MongoProjectRepository
from taskmgr.infrastructure.mongo.repositories.sign_in import (
    MongoAccountRepository,
    MongoAttemptRepository,
    MongoLinkRepository,
    MongoPasswordRepository,
    MongoSessionRepository,
)
from taskmgr.infrastructure.mongo.repositories.statistics import MongoStatisticsRepository
from taskmgr.infrastructure.mongo.repositories.tasks import MongoTaskRepository
from taskmgr.infrastructure.mongo.repositories.tokens import MongoTokenRepository
from taskmgr.infrastructure.mongo.repositories.users import MongoUserRepository
from taskmgr.infrastructure.mongo.repositories.views import MongoViewRepository
from taskmgr.infrastructure.mongo.repositories.watches import MongoWatchRepository
from taskmgr.infrastructure.mongo.repositories.webhooks import MongoWebhookRepository
from taskmgr.infrastructure.mongo.schema_version import SchemaGuard
from taskmgr.infrastructure.mongo.unit_of_work import MongoUnitOfWork


def new_id() -> str:
    """Returns a new unique id; ids made later by the same process are greater."""
    return str(ObjectId())


def mongo_store(
    database: Database[Any],
    *,
    streams: Database[Any] | None = None,
    time_zone: tzinfo | None = None,
    deadline: float = COMMAND_DEADLINE,
) -> Store:
    """Returns the ports on a database; `deadline` bounds a command, in seconds.

    `streams` is the same database, opened for streams; without it, the store cannot tell when the feed grows.

    If `time_zone` is given, commands raise `Unavailable` once the database has been migrated to another
    time zone or schema version, and all else does while a backup takes the place of the data.
    """
    records = TaskRecordCache(database)
    guard = None if time_zone is None else SchemaGuard(database, time_zone)
    admit = guard or (lambda: None)
    store = Store(
        unit_of_work=MongoUnitOfWork(database.client, new_id=new_id, deadline=deadline, admit=admit),
        tasks=MongoTaskRepository(database, records),
        users=MongoUserRepository(database, records),
        projects=MongoProjectRepository(database, deadline=deadline),
        statistics=MongoStatisticsRepository(database),
        comments=MongoCommentRepository(database),
        activity=MongoActivityRepository(database),
        feed=MongoFeedRepository(database),
        feed_streams=MongoFeedStreams(streams),
        inbox=MongoInboxRepository(database),
        watches=MongoWatchRepository(database),
        preferences=MongoPreferencesRepository(database),
        mails=MongoMailRepository(database),
        tokens=MongoTokenRepository(database),
        views=MongoViewRepository(database),
        webhooks=MongoWebhookRepository(database),
        deliveries=MongoDeliveryRepository(database),
        sessions=MongoSessionRepository(database),
        passwords=MongoPasswordRepository(database),
        links=MongoLinkRepository(database),
        accounts=MongoAccountRepository(database),
        attempts=MongoAttemptRepository(database),
        idempotency=MongoIdempotencyRepository(database),
        locks=MongoLocks(database),
        health=MongoHealth(database, admit),
    )
    return store if guard is None else _guarded(store, guard.admit_read)


# What decides by itself, or waits for changes.
_UNGUARDED = frozenset({"unit_of_work", "health", "feed_streams"})


def _guarded(store: Store, admit: Callable[[], None]) -> Store:
    """Returns the store with repositories that call `admit` before each of their methods."""
    names = {field.name for field in fields(store)} - _UNGUARDED
    guarded: dict[str, Any] = {name: _GuardedRepository(getattr(store, name), admit) for name in names}
    return replace(store, **guarded)


class _GuardedRepository:
    """A repository that calls `admit` before each of its methods."""

    def __init__(self, repository: Any, admit: Callable[[], None]) -> None:
        for name in dir(repository):
            if not name.startswith("_") and callable(method := getattr(repository, name)):
                setattr(self, name, _after(admit, method))


def _after(admit: Callable[[], None], method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        admit()
        return method(*args, **kwargs)

    return call
