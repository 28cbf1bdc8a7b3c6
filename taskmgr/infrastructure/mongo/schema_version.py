"""The row of `meta` that says which form the data are in, and what happens when it changes.

A migration writes the form and the time zone that it leads to before it changes any data, and marks
the row finished at the end. So an interrupted migration is seen, and processes that still work with
another form or time zone stop writing.
"""

from __future__ import annotations

import logging
import threading
import time
from contextvars import Context
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.errors import CannotStart, Unavailable

# What this release stores; a database of a later form is refused rather than misread.
SCHEMA_VERSION = 2
# Seconds. A process relies on what it has read from `meta` for so long, and a migration waits so long
# before its last look at the data: until every process has read `meta` again, and whatever it had
# checked just before that is committed.
TRUSTED_SECONDS = 1.0
SETTLING_SECONDS = 3.0
_META_ID = "stored_form"

_log = logging.getLogger("taskmgr.store")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What the row says. `version` is None where it is no whole number."""

    version: int | None
    time_zone: object
    finished: bool

    def is_for(self, time_zone: tzinfo) -> bool:
        """Whether this release stores this form, for this time zone."""
        return self.version == SCHEMA_VERSION and self.time_zone == str(time_zone)


def read_schema_state(database: Database[Any]) -> SchemaState | None:
    """The form that the database is in; None before the first migration."""
    row = database["meta"].find_one({"_id": _META_ID})
    if row is None:
        return None
    version = row.get("version")
    is_number = isinstance(version, int) and not isinstance(version, bool)
    return SchemaState(version if is_number else None, row.get("time_zone"), row.get("finished") is True)


def begin(database: Database[Any], time_zone: tzinfo) -> bool:
    """Marks a migration to this release's form as begun, unless it has been finished before.

    Returns whether processes may be running that work in another form or time zone. Raises
    `CannotStart` for the form of a later release.
    """
    require_known_schema(database)
    before = read_schema_state(database)
    if before is not None and before.is_for(time_zone) and before.finished:
        return False
    # The condition and the unique id refuse a later form that was written since the check above.
    known = {"_id": _META_ID, "version": {"$not": {"$gt": SCHEMA_VERSION}}}
    fields = {"version": SCHEMA_VERSION, "time_zone": str(time_zone), "finished": False}
    try:
        _meta(database).update_one(known, {"$set": fields}, upsert=True)
    except DuplicateKeyError:  # another machine has just written the row
        require_known_schema(database)
        _meta(database).update_one(known, {"$set": fields})
    return before is not None


def finish(database: Database[Any], time_zone: tzinfo) -> None:
    """Marks the migration as finished. Raises `CannotStart` if another one has begun meanwhile."""
    aim = {"_id": _META_ID, "version": SCHEMA_VERSION, "time_zone": str(time_zone)}
    if _meta(database).update_one(aim, {"$set": {"finished": True}}).matched_count != 1:
        raise CannotStart("Another migration has begun meanwhile: run `taskmgr db status`.")


def require_unchanged_target(database: Database[Any], time_zone: tzinfo) -> None:
    """Raises `CannotStart` if another migration than this one has begun."""
    form = read_schema_state(database)
    if form is None or not form.is_for(time_zone):
        raise CannotStart("Another migration has begun meanwhile: run `taskmgr db status`.")


def require_known_schema(database: Database[Any]) -> None:
    """Raises `CannotStart` for a form that a later release stores: it would be misread."""
    form = read_schema_state(database)
    if form is not None and form.version is not None and form.version > SCHEMA_VERSION:
        raise CannotStart(
            f"A later release of taskmgr has used this database (schema version {form.version}, this "
            f"release knows {SCHEMA_VERSION}): run that one."
        )


def require_time_zone(database: Database[Any], time_zone: tzinfo) -> None:
    """Raises `CannotStart` where the due dates are kept for another time zone."""
    form = read_schema_state(database)
    kept = str(time_zone) if form is None else form.time_zone
    if kept != str(time_zone):
        raise CannotStart(
            f"Due dates are kept for the time zone {kept}, and TASKMGR_TIMEZONE is {time_zone}: set it to "
            f"{kept}, or run `taskmgr db migrate` to move all due dates to {time_zone}."
        )


class SchemaGuard:
    """Refuses writes once the database has been migrated to a form or time zone that is not ours.

    A call costs nothing for `TRUSTED_SECONDS` seconds after the last look at the database.
    """

    def __init__(self, database: Database[Any], time_zone: tzinfo) -> None:
        self._database = database
        self._time_zone = time_zone
        self._lock = threading.Lock()
        self._good_until = 0.0
        self._refused = False

    def __call__(self) -> None:
        """Raises `Unavailable`, and logs once, where this process must not write."""
        if time.monotonic() < self._good_until:
            return
        now = time.monotonic()
        # In a context of its own: in that of a command the driver would read the command's snapshot.
        form = Context().run(read_schema_state, self._database)
        if form is not None and form.is_for(self._time_zone):
            self._good_until = now + TRUSTED_SECONDS
            self._note_admitted()
            return
        reason = self._reason(form)
        with self._lock:
            first, self._refused = not self._refused, True
        if first:
            _log.error("Writing is refused: %s", reason)
        raise Unavailable(reason)

    def _reason(self, form: SchemaState | None) -> str:
        there = "no form" if form is None else f"form {form.version}, time zone {form.time_zone}"
        ours = f"form {SCHEMA_VERSION}, time zone {self._time_zone}"
        return f"The database has been migrated to {there}; this process works with {ours}. Restart it."

    def _note_admitted(self) -> None:
        with self._lock:
            again, self._refused = self._refused, False
        if again:
            _log.warning("Writing is possible again: the database is in this process's form.")


def _meta(database: Database[Any]) -> Collection[Any]:
    return database.get_collection("meta", write_concern=WriteConcern("majority"))
