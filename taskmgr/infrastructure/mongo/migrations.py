"""Brings a database to the schema version of this release: indexes and derived fields.

A migration may be killed at any moment and run again, and may run on two machines at once, because it
compares the stored data and each of its writes is independent. A new schema version raises
`SCHEMA_VERSION` and, unless only derived fields change, adds a function here with the same property,
which `migrate` calls between `begin_migration` and `finish_migration`.
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

_MAX_SWEEPS = 10
_PAUSE = 0.5  # seconds between two sweeps


@dataclass(frozen=True, kw_only=True, slots=True)
class MigrationResult:
    """What a migration has done: the names of created and dropped indexes, and the corrected documents.

    `given_up` are the usernames whose e-mail address was removed, because another user has it, too.
    `tokens` counts the tokens that got their first entry in the log.
    `unreadable` counts the tasks and users that could not be read.
    """

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    tasks: int
    users: int
    given_up: tuple[str, ...]
    tokens: int
    unreadable: int


def migrate(
    database: Database[Any], time_zone: tzinfo, *, settling: float = 0.0, batch: int = BATCH
) -> MigrationResult:
    """Brings the database up to date; reads every task and user, whatever `meta` says.

    `settling` is the time in seconds that running processes have to notice a new version or time zone
    before the last sweep; `batch` is the number of tasks in one update. Raises `CannotStart` for a
    database of a later release, if another migration begins, or if a process keeps writing the old form.
    """
    with without_deadline():  # an index over millions of tasks takes minutes
        begun = begin_migration(database, time_zone)
        made, dropped = update_indexes(database)
        swept = _sweep_until_clean(database, time_zone, settling if begun else 0.0, batch)
        tokens = log_tokens(database)
        finish_migration(database, time_zone)
    return MigrationResult(
        made=made,
        dropped=dropped,
        tasks=swept.tasks,
        users=swept.users,
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
        found = sweep(database, time_zone, partial(require_unchanged_target, database, time_zone), batch)
        total.add(found)
        if sweeps and not (found.tasks or found.users):
            return total
        time.sleep(min(_PAUSE, max(0.0, settled - time.monotonic())))
    raise CannotStart(
        "Something keeps writing in another form: stop every process of an earlier release, and run "
        "`taskmgr db migrate` again."
    )


def is_current(database: Database[Any], time_zone: tzinfo) -> bool:
    """Returns True if the database needs no migration."""
    return next(reasons_to_migrate(database, time_zone), None) is None


def reasons_to_migrate(database: Database[Any], time_zone: tzinfo) -> Iterator[str]:
    """Yields the reasons for a migration that are visible without reading the data."""
    form = read_schema_state(database)
    if form is None or form.version != SCHEMA_VERSION:
        yield f"The schema version is {form and form.version}, not {SCHEMA_VERSION}"
    elif form.time_zone != str(time_zone):
        yield f"Due dates are kept for the time zone {form.time_zone}, not {time_zone}"
    elif not form.finished:
        yield "The last migration has not finished"
    yield from describe_wrong_indexes(database)
