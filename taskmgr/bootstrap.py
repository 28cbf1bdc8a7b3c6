"""The one place where the parts are put together, for every entry point: service, script, command."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from tempfile import NamedTemporaryFile
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.identity import Credentials
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.domain.services.activity import ActivityService
from taskmgr.domain.services.bulk import BulkService
from taskmgr.domain.services.comments import CommentService
from taskmgr.domain.services.derived import DerivedService
from taskmgr.domain.services.idempotency import IdempotencyService
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.statistics import StatisticsService
from taskmgr.domain.services.status_mapping import StatusMapping
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.domain.services.tokens import TokenService
from taskmgr.domain.services.users import UserService
from taskmgr.infrastructure.credentials import Sha256Credentials
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.files.policy_file import load_policy_file
from taskmgr.infrastructure.mongo.connection import open_database, require_replica_set
from taskmgr.infrastructure.mongo.migrations import is_current, migrate
from taskmgr.infrastructure.mongo.store import mongo_store, new_id
from taskmgr.infrastructure.mongo.stored_form import SETTLING, require_known_form, require_time_zone
from taskmgr.infrastructure.mongo.stored_statuses import unknown_statuses
from taskmgr.settings import Settings

_SECRET_FILE = "secret_key"  # noqa: S105 - a file's name


def build_services(
    store: Store,
    *,
    policy: Policy = DEFAULT_POLICY,
    clock: Clock = utc_now,
    make_id: NewId = new_id,
    credentials: Credentials | None = None,
) -> Services:
    """The services over a store; whatever they need from outside can be replaced here."""
    journal = Journal(store, make_id)
    tasks = TaskService(store, policy, journal, clock, make_id)
    return Services(
        tasks=tasks,
        bulk=BulkService(store, tasks),
        users=UserService(store, policy, journal, clock, make_id),
        tokens=TokenService(store, credentials or Sha256Credentials(), clock, make_id),
        comments=CommentService(store, journal, clock, make_id),
        idempotency=IdempotencyService(store, clock),
        derived=DerivedService(store, policy, clock),
        activity=ActivityService(store),
        statistics=StatisticsService(store, policy, clock),
        policy=policy,
        health=store.health,
        user_directory=store.users,
    )


def build_status_mapping(store: Store, policy: Policy) -> StatusMapping:
    """For the tasks that `require_known_statuses` refuses."""
    return StatusMapping(store, policy, Journal(store, new_id), utc_now)


def load_policy(settings: Settings) -> Policy:
    """The policy in force: the team's file, or else the default; in the service's time zone."""
    policy = DEFAULT_POLICY if settings.policy is None else load_policy_file(settings.policy)
    return replace(policy, time_zone=settings.time_zone)


def embedded(settings: Settings) -> EmbeddedDatabase | None:
    """The database that the service starts itself, where no URI is set."""
    if settings.mongodb_uri is not None:
        return None
    return EmbeddedDatabase(settings.data_dir, mongod=settings.mongod)


def prepare(database: Database[Any], settings: Settings, policy: Policy) -> None:
    """Makes sure that the database can hold our data, in the form that this release stores.

    On the embedded database this brings it up to date; elsewhere that is the operator's to decide.
    The time zone is the operator's everywhere: whoever has another one by oversight, such as a script
    without the service's settings, must not move everybody's due dates.
    """
    require_replica_set(database)
    require_time_zone(database, policy.time_zone)
    require_known_form(database)
    if is_current(database, policy.time_zone):
        return
    if settings.mongodb_uri is not None:
        raise CannotStart("The database is not up to date: run `taskmgr db migrate` once.")
    migrate(database, policy.time_zone, settling=SETTLING)


def require_known_statuses(database: Database[Any], policy: Policy) -> None:
    """Refuses to go on while stored tasks have statuses that the policy lacks."""
    unknown = unknown_statuses(database, policy.workflow.statuses)
    if unknown:
        told = ", ".join(f"{name} ({count} tasks)" for name, count in unknown.items())
        raise CannotStart(
            f"Stored tasks have statuses that the policy lacks: {told}. Add them to the policy, or run "
            "`taskmgr db map-status OLD NEW` for each."
        )


@contextmanager
def reach(settings: Settings) -> Iterator[Database[Any]]:
    """The database of the settings as it is, not prepared; started if need be."""
    with ExitStack() as stack:
        own = embedded(settings)
        uri = stack.enter_context(own) if own else settings.mongodb_uri or ""
        database = open_database(uri, settings.database)
        stack.callback(database.client.close)
        yield database


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """The services over the database of the settings, which is started if need be."""
    policy = load_policy(settings)
    with reach(settings) as database:
        prepare(database, settings, policy)
        require_known_statuses(database, policy)
        store = mongo_store(database, time_zone=policy.time_zone)
        yield build_services(store, policy=policy)


def secret_key(settings: Settings) -> str:
    """The key that cursors are signed with: the setting, or one made and kept in the data folder."""
    if settings.secret_key is not None:
        return settings.secret_key
    if settings.mongodb_uri is not None:
        raise CannotStart(
            "TASKMGR_SECRET_KEY: Must be set where TASKMGR_MONGODB_URI is: the same 32 or more random "
            "characters for every process of the service."
        )
    file = settings.data_dir / _SECRET_FILE
    if not file.exists():
        # Written elsewhere and linked, so that nobody who comes at the same time reads half of it.
        with NamedTemporaryFile("w", dir=settings.data_dir) as new, suppress(FileExistsError):
            new.write(secrets.token_urlsafe(32))
            new.flush()
            os.link(new.name, file)
    return file.read_text("ascii")
