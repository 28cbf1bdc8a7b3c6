"""Builds the domain's ports on one MongoDB database."""

from __future__ import annotations

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
    time zone or schema version.
    """
    records = TaskRecordCache(database)
    admit = (lambda: None) if time_zone is None else SchemaGuard(database, time_zone)
    return Store(
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
