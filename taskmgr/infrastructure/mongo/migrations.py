"""Brings a database to the form that this release stores: indexes, and the fields that follow from others.

A migration may be killed at any moment and run again, and may run on two machines at once: it looks
at what is there, and each of its writes depends on nothing else. What a new form needs besides is a
function here, called by `migrate` between `begin` and `finish` with the same property, and a higher
`SCHEMA_VERSION`.
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
    begin,
    finish,
    read_schema_state,
    require_unchanged_target,
)

_MOST_SWEEPS = 10
_PAUSE = 0.5  # seconds between two looks


@dataclass(frozen=True, kw_only=True, slots=True)
class MigrationResult:
    """What was done: indexes by name, how many documents were mended, and whose address was given up.

    `unreadable` counts the tasks and users that could not be read, and so not be mended.
    """

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    tasks: int
    users: int
    given_up: tuple[str, ...]
    unreadable: int


def migrate(
    database: Database[Any], time_zone: tzinfo, *, settling: float = 0.0, batch: int = BATCH
) -> MigrationResult:
    """Brings the database up to date, whatever `meta` says of it: it looks at every task and user.

    `settling` is how many seconds running processes get to notice that the form or the time zone is
    another one, before the last look; `batch` is how many tasks an update takes at once. Raises
    `CannotStart` for a database of a later release, where another migration begins meanwhile, and where
    something goes on writing in another form.
    """
    with without_deadline():  # an index over millions of tasks takes its time
        begun = begin(database, time_zone)
        made, dropped = update_indexes(database)
        swept = _sweep_until_clean(database, time_zone, settling if begun else 0.0, batch)
        finish(database, time_zone)
    return MigrationResult(
        made=made,
        dropped=dropped,
        tasks=swept.tasks,
        users=swept.users,
        given_up=swept.given_up,
        unreadable=swept.unreadable,
    )


def _sweep_until_clean(database: Database[Any], time_zone: tzinfo, settling: float, batch: int) -> Swept:
    total = Swept()
    settled = time.monotonic() + settling
    sweeps = 0  # that began when everybody had had the time to notice
    while sweeps < _MOST_SWEEPS:
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
    """Whether a migration to this form and time zone has finished, and every index is as declared."""
    return next(reasons_to_migrate(database, time_zone), None) is None


def reasons_to_migrate(database: Database[Any], time_zone: tzinfo) -> Iterator[str]:
    """What speaks for a migration without a look at the data, each in a few words."""
    form = read_schema_state(database)
    if form is None or form.version != SCHEMA_VERSION:
        yield f"The schema version is {form and form.version}, not {SCHEMA_VERSION}"
    elif form.time_zone != str(time_zone):
        yield f"Due dates are kept for the time zone {form.time_zone}, not {time_zone}"
    elif not form.finished:
        yield "The last migration has not finished"
    yield from describe_wrong_indexes(database)
