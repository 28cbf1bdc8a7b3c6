"""Brings a database to the schema version of this release: indexes and derived fields.

If a restore was interrupted while it was replacing the data, a migration finishes it first.

A migration may be killed at any moment and run again, and may run on two machines at once: it examines the
stored data, and its writes do not depend on each other (docs/decisions/0012). To change the stored form,
raise `SCHEMA_VERSION`; unless only derived fields change, add a function here that `migrate` calls between
`begin_migration` and `finish_migration`, and that may be killed and run again, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.mongo.backup.swapping import finish_restore
from taskmgr.infrastructure.mongo.client import without_deadline
from taskmgr.infrastructure.mongo.derived_fields import BATCH, Swept, sweep
from taskmgr.infrastructure.mongo.indexes import describe_wrong_indexes, update_indexes
from taskmgr.infrastructure.mongo.schema_version import (
    SCHEMA_VERSION,
    begin_migration,
    finish_migration,
    read_schema_state,
    require_unchanged_target,
)
from taskmgr.infrastructure.mongo.unlogged_tokens import log_tokens
from taskmgr.infrastructure.mongo.unnumbered_tasks import assign_entries, ensure_default_project, number_tasks

_MAX_SWEEPS = 10
_PAUSE = 0.5  # seconds between two sweeps


@dataclass(frozen=True, kw_only=True, slots=True)
class MigrationResult:
    """What a migration has done.

    `made` and `dropped` are names of indexes; `tasks`, `users` and `comments` count corrected documents.
    `numbered` counts the tasks that got a key in the default project, whose own key is `project`.
    `given_up` are the usernames whose e-mail address was removed, because another user has the same one.
    `tokens` counts the tokens that got their first log entry.
    `unreadable` counts the tasks, users and comments that could not be read.
    """

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    tasks: int
    users: int
    comments: int
    numbered: int
    project: str
    given_up: tuple[str, ...]
    tokens: int
    unreadable: int


def migrate(
    database: Database[Any], time_zone: tzinfo, *, settling: float = 0.0, batch: int = BATCH
) -> MigrationResult:
    """Brings the database up to date; reads every task, user and comment, whatever `meta` says.

    `settling` is the time in seconds that running processes have to notice a new version or time zone
    before the last sweep; `batch` is the number of documents in one update. Raises `CannotStart` for a
    database of a later release, if another migration begins, or if a process keeps writing the old form.
    """
    with without_deadline():  # an index over millions of tasks takes minutes
        finish_restore(database, settling=settling)
        begun = begin_migration(database, time_zone)
        made, dropped = update_indexes(database)
        project = ensure_default_project(database)
        swept = _sweep_until_clean(database, time_zone, settling if begun else 0.0, batch)
        tokens = log_tokens(database)
        finish_migration(database, time_zone)
    return MigrationResult(
        made=made,
        dropped=dropped,
        tasks=swept.tasks,
        users=swept.users,
        comments=swept.comments,
        numbered=swept.numbered,
        project=project,
        given_up=swept.given_up,
        tokens=tokens,
        unreadable=swept.unreadable,
    )


def _sweep_until_clean(database: Database[Any], time_zone: tzinfo, settling: float, batch: int) -> Swept:
    total = Swept()
    settled = time.monotonic() + settling
    sweeps = 0  # those that began after the settling time
    while sweeps < _MAX_SWEEPS:
        sweeps += time.monotonic() >= settled
        require_target = partial(require_unchanged_target, database, time_zone)
        numbered = number_tasks(database, require_target, batch)
        assign_entries(database)
        swept = sweep(database, time_zone, require_target, batch)
        swept.numbered = numbered
        total.add(swept)
        if sweeps and swept.is_clean:
            return total
        time.sleep(min(_PAUSE, max(0.0, settled - time.monotonic())))
    raise CannotStart(
        "Another process keeps writing data in another form: stop all processes of an earlier release or "
        "with another time zone, and run `taskmgr db migrate` again."
    )


def is_current(database: Database[Any], time_zone: tzinfo) -> bool:
    """Returns True if the database needs no migration."""
    return next(reasons_to_migrate(database, time_zone), None) is None


def reasons_to_migrate(database: Database[Any], time_zone: tzinfo) -> Iterator[str]:
    """Yields the reasons for a migration that are visible without reading the data."""
    state = read_schema_state(database)
    if state is None:
        yield "The database has no schema version"
    elif state.restoring:
        yield "A backup has not been restored completely"
    elif state.version != SCHEMA_VERSION:
        yield f"The schema version is {state.version}, not {SCHEMA_VERSION}"
    elif state.time_zone != str(time_zone):
        yield f"Due dates are stored for the time zone {state.time_zone}, not {time_zone}"
    elif not state.finished:
        yield "The last migration has not finished"
    yield from describe_wrong_indexes(database)
