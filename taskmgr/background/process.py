"""Runs the background work in this process until it is told to stop."""

from __future__ import annotations

import os
from threading import Event
from typing import Any

from pymongo.database import Database

from taskmgr.background.gauges import GaugesJob
from taskmgr.background.jobs import build_jobs
from taskmgr.background.work import BackgroundWork, Growth
from taskmgr.bootstrap import build_configured_services
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.feed.lag import FeedLag
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from taskmgr.infrastructure.mongo.lease import Lease
from taskmgr.infrastructure.mongo.schema_version import SchemaGuard
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.metrics.instruments import begin
from taskmgr.settings import Settings

LEASE_NAME = "background"


def run(uri: str, settings: Settings, policy: Policy, stop: Event, *, holder: str | None = None) -> None:
    """Works until `stop` is set. Raises `CannotStart` if the URI cannot be used.

    `holder` identifies the holder of the lease: a process with the same holder takes over at once.
    """
    begin("background")
    database = open_database(uri, settings.database)
    streams = open_database(uri, settings.database, for_streams=True)
    growth = Growth()
    store = mongo_store(database, time_zone=policy.time_zone)
    services = build_configured_services(store, settings, policy=policy)
    with database.client, streams.client:
        work = BackgroundWork(
            sequencer=Sequencer(
                database, streams, admit=SchemaGuard(database, policy.time_zone), appended=growth.notify
            ),
            jobs=[*build_jobs(services, settings), _gauges_job(database, services, settings)],
            lease=Lease(database, LEASE_NAME, holder=holder),
            growth=growth,
        )
        work.run(stop)


def _gauges_job(database: Database[Any], services: Services, settings: Settings) -> GaugesJob:
    store = services.feed.store
    return GaugesJob(
        statistics=store.statistics,
        health=store.health,
        feed_lag=FeedLag(database),
        workflow=services.policy.workflow,
        data_folder=settings.data_dir if settings.mongodb_uri is None else None,
    )


def stop_with_parent(stop: Event, parent: int) -> None:
    """Sets `stop` once the process is no longer a child of `parent`, or has been told to stop."""
    while os.getppid() == parent and not stop.wait(1.0):
        pass
    stop.set()
