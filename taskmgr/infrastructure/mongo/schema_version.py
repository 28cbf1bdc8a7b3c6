"""Reads and writes the schema version of the database: the row `stored_form` of the collection `meta`.

A migration stores its target version and time zone before it changes any data, and marks the row as
finished at the end. An interrupted migration can therefore be detected, and processes that work with
another version or time zone stop writing (docs/decisions/0012).
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
from taskmgr.infrastructure.mongo.driver_errors import translated_errors

# The version that this release stores; it refuses a database with a later one.
SCHEMA_VERSION = 3
# A process trusts what it has read from `meta` for TRUSTED_SECONDS. A migration waits SETTLING_SECONDS
# before its last sweep: then every process has read `meta` again, and earlier commands are committed.
TRUSTED_SECONDS = 1.0
SETTLING_SECONDS = 3.0
SCHEMA_ID = "stored_form"
RESTORE_ID = "restore"  # see `backup.swapping`

_log = logging.getLogger("taskmgr.store")


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaState:
    """The rows of `meta`. `version` is None if it is not an integer.

    `restoring` is True while a backup takes the place of the data.
    """

    version: int | None
    time_zone: object
    finished: bool
    restoring: bool

    def is_for(self, time_zone: tzinfo) -> bool:
        """Returns True if the data has the version of this release, and is for this time zone."""
        is_same = self.version == SCHEMA_VERSION and self.time_zone == str(time_zone)
        return is_same and not self.restoring


def read_schema_state(database: Database[Any]) -> SchemaState | None:
    """Returns the schema state of the database, or None before the first migration."""
    rows = {row["_id"]: row for row in database["meta"].find({"_id": {"$in": [SCHEMA_ID, RESTORE_ID]}})}
    row = rows.get(SCHEMA_ID)
    if row is None:
        return None
    version = row.get("version")
    is_number = isinstance(version, int) and not isinstance(version, bool)
    return SchemaState(
        version=version if is_number else None,
        time_zone=row.get("time_zone"),
        finished=row.get("finished") is True,
        restoring=rows.get(RESTORE_ID, {"phase": "loading"}).get("phase") != "loading",
    )


def begin_migration(database: Database[Any], time_zone: tzinfo) -> bool:
    """Marks a migration to this release's version as begun, unless it has already finished.

    Returns True if processes may be running that work with another version or time zone. Raises
    `CannotStart` for the version of a later release.
    """
    require_known_schema(database)
    before = read_schema_state(database)
    if before is not None and before.is_for(time_zone) and before.finished:
        return False
    # The condition and the unique id refuse a later version that was stored since the check above.
    known = {"_id": SCHEMA_ID, "version": {"$not": {"$gt": SCHEMA_VERSION}}}
    fields = {"version": SCHEMA_VERSION, "time_zone": str(time_zone), "finished": False}
    try:
        _meta(database).update_one(known, {"$set": fields}, upsert=True)
    except DuplicateKeyError:  # another machine has just written the row
        require_known_schema(database)
        _meta(database).update_one(known, {"$set": fields})
    return before is not None


def finish_migration(database: Database[Any], time_zone: tzinfo) -> None:
    """Marks the migration as finished. Raises `CannotStart` if another one has begun."""
    target = {"_id": SCHEMA_ID, "version": SCHEMA_VERSION, "time_zone": str(time_zone)}
    if _meta(database).update_one(target, {"$set": {"finished": True}}).matched_count != 1:
        raise CannotStart("Another migration has begun meanwhile: run `taskmgr db status`.")


def require_unchanged_target(database: Database[Any], time_zone: tzinfo) -> None:
    """Raises `CannotStart` if a migration to another version or time zone has begun."""
    state = read_schema_state(database)
    if state is None or not state.is_for(time_zone):
        raise CannotStart("Another migration has begun meanwhile: run `taskmgr db status`.")


def require_known_schema(database: Database[Any]) -> None:
    """Raises `CannotStart` for the version of a later release, whose data this one would misread."""
    state = read_schema_state(database)
    if state is not None and state.version is not None and state.version > SCHEMA_VERSION:
        raise CannotStart(
            f"A later release of taskmgr has used this database (its schema version is {state.version}, and "
            f"that of this release {SCHEMA_VERSION}): run the later release."
        )


def require_time_zone(database: Database[Any], time_zone: tzinfo) -> None:
    """Raises `CannotStart` if the due dates are stored for another time zone."""
    state = read_schema_state(database)
    stored = str(time_zone) if state is None else state.time_zone
    if stored != str(time_zone):
        raise CannotStart(
            f"Due dates are stored for the time zone {stored}, and TASKMGR_TIMEZONE is {time_zone}: set it "
            f"to {stored}, or run `taskmgr db migrate` to move all due dates to {time_zone}."
        )


class SchemaGuard:
    """Refuses writes once the database has been migrated to another version or time zone.

    While a backup takes the place of the data, it refuses reads as well. Reads the schema state at most once
    in `TRUSTED_SECONDS`.
    """

    def __init__(self, database: Database[Any], time_zone: tzinfo) -> None:
        self._database = database
        self._time_zone = time_zone
        self._lock = threading.Lock()
        self._trusted_until = 0.0
        self._refused = False

    def __call__(self) -> None:
        """Raises `Unavailable`, and logs it once, if this process must not write."""
        if self._is_trusted():
            return
        state = self._read_state()
        if self._is_ours(state):
            return
        reason = self._reason(state)
        with self._lock:
            first, self._refused = not self._refused, True
        if first:
            _log.error("Writing is refused: %s", reason)
        raise Unavailable(reason)

    def admit_read(self) -> None:
        """Raises `Unavailable` while a backup takes the place of the data.

        A read would see a part of the old data and a part of the new. MongoDB 6.0 may even crash if a
        collection is replaced while it is read: "Invariant failure: _requests.empty()", in lock_state.cpp.
        """
        if self._is_trusted():
            return
        state = self._read_state()
        if state is not None and state.restoring:
            raise Unavailable(self._reason(state))

    def _is_trusted(self) -> bool:
        return time.monotonic() < self._trusted_until

    def _read_state(self) -> SchemaState | None:
        """Reads the state, and trusts it for a while if it is that of this process."""
        now = time.monotonic()
        # In an empty context, because in that of a command the driver would read from the command's snapshot.
        state = Context().run(self._read)
        if self._is_ours(state):
            self._trusted_until = now + TRUSTED_SECONDS
            self._log_admitted()
        return state

    def _is_ours(self, state: SchemaState | None) -> bool:
        return state is not None and state.is_for(self._time_zone)

    def _read(self) -> SchemaState | None:
        with translated_errors():
            return read_schema_state(self._database)

    def _reason(self, state: SchemaState | None) -> str:
        ours = f"schema version {SCHEMA_VERSION}, time zone {self._time_zone}"
        if state is None:
            return f"The database has no schema version; this process works with {ours}. Restart it."
        if state.restoring:
            return "A backup is taking the place of the data. Try again when it has been restored."
        stored = f"schema version {state.version}, time zone {state.time_zone}"
        return f"The database has been migrated to {stored}; this process works with {ours}. Restart it."

    def _log_admitted(self) -> None:
        with self._lock:
            again, self._refused = self._refused, False
        if again:
            _log.warning("Writing is possible again: the schema version and time zone match again.")


def _meta(database: Database[Any]) -> Collection[Any]:
    return database.get_collection("meta", write_concern=WriteConcern("majority"))
