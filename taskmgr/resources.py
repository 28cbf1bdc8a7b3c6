"""Opens what the settings name: the policy, the secret key, and the database, prepared for this release."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from tempfile import NamedTemporaryFile
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.rules.wording import counted
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.files.policy_file import load_policy_file
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.migrations import is_current, migrate
from taskmgr.infrastructure.mongo.replica_set import require_replica_set
from taskmgr.infrastructure.mongo.schema_version import (
    SETTLING_SECONDS,
    require_known_schema,
    require_time_zone,
)
from taskmgr.infrastructure.mongo.unknown_statuses import count_unknown_statuses
from taskmgr.settings import Settings

_SECRET_KEY_FILE = "secret_key"  # noqa: S105 - a name


def load_policy(settings: Settings) -> Policy:
    """Returns the policy in the team's file, or else the default one, with the time zone of the settings.

    Raises `CannotStart` if the file is invalid.
    """
    policy = DEFAULT_POLICY if settings.policy is None else load_policy_file(settings.policy)
    return replace(policy, time_zone=settings.time_zone)


def embedded_database(settings: Settings) -> EmbeddedDatabase | None:
    """Returns the embedded database, not started yet; None if the settings name another by its URI."""
    if settings.mongodb_uri is not None:
        return None
    return EmbeddedDatabase(settings.data_dir, mongod=settings.mongod)


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """Yields the URI of the settings' database.

    The embedded database is started if it is not running, and stopped at the end if no other process uses
    it. Raises `CannotStart` if that fails.
    """
    embedded = embedded_database(settings)
    with embedded or nullcontext(settings.mongodb_uri or "") as uri:
        yield uri


@contextmanager
def open_configured_database(settings: Settings) -> Iterator[Database[Any]]:
    """Opens the database of the settings as it is, and closes it at the end.

    Raises `CannotStart` if it cannot be started or opened.
    """
    with ExitStack() as stack:
        uri = stack.enter_context(running_database(settings))
        database = open_database(uri, settings.database)
        stack.callback(database.client.close)
        yield database


def prepare_database(database: Database[Any], settings: Settings, policy: Policy) -> None:
    """Makes sure that the database holds data in the form that this release reads and writes.

    The embedded database is migrated if necessary; any other must have been migrated by `taskmgr db migrate`.
    The time zone of the stored due dates must be that of the policy, because a script that runs without the
    service's settings must not move due dates. Raises `CannotStart` if the database cannot be used.
    """
    require_replica_set(database)
    require_time_zone(database, policy.time_zone)
    require_known_schema(database)
    if is_current(database, policy.time_zone):
        return
    if settings.mongodb_uri is not None:
        raise CannotStart("The database is not up to date. Run `taskmgr db migrate` once.")
    migrate(database, policy.time_zone, settling=SETTLING_SECONDS)


def require_known_statuses(database: Database[Any], policy: Policy) -> None:
    """Raises `CannotStart` if stored tasks have statuses that are not in the policy."""
    counts = count_unknown_statuses(database, policy.workflow.statuses)
    if counts:
        statuses = ", ".join(f"{name} ({counted(count, 'task')})" for name, count in counts.items())
        raise CannotStart(
            f"Stored tasks have statuses that are not in the policy: {statuses}. Add them to the policy, or "
            "run `taskmgr db map-status OLD NEW` for each."
        )


def load_secret_key(settings: Settings) -> str:
    """Returns the secret key of the settings, or else the one in the data folder, created on first use.

    Raises `CannotStart` if the database is not the embedded one and no key is set, because the service may
    then run on several machines, which need the same key.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    if settings.mongodb_uri is not None:
        raise CannotStart(
            "TASKMGR_SECRET_KEY: Must be set if TASKMGR_MONGODB_URI is. Set it to the same 32 or more random "
            "characters for every process of the service."
        )
    file = settings.data_dir / _SECRET_KEY_FILE
    if not file.exists():
        # Written to another file and then linked, so that no other process reads an incomplete key.
        with NamedTemporaryFile("w", dir=settings.data_dir) as new, suppress(FileExistsError):
            new.write(secrets.token_urlsafe(32))
            new.flush()
            os.link(new.name, file)
    return file.read_text("ascii")
