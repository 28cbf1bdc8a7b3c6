"""Saves all collections as of one moment, while the service may be running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

from bson import Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.files.backup_format import BackupHeader, Manifest, write_backup
from taskmgr.infrastructure.mongo.backup.history import DEFAULT_WINDOW, SETTING, kept_history
from taskmgr.infrastructure.mongo.client import without_deadline
from taskmgr.infrastructure.mongo.documents import DOCUMENTS
from taskmgr.infrastructure.mongo.driver_errors import is_temporary
from taskmgr.infrastructure.mongo.reads import snapshots
from taskmgr.infrastructure.mongo.schema_version import SCHEMA_ID, require_known_schema

# Leases belong to processes. `meta` is in the header of the backup.
SAVED_COLLECTIONS = (
    *(name for document in DOCUMENTS if (name := document._meta["collection"]) != "leases"),
    "locks",
)
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_MAX_WAIT = 10.0  # seconds
_PAUSE = 0.1  # seconds
_SNAPSHOT_TOO_OLD = 239
_SNAPSHOT_UNAVAILABLE = 246
_INTERRUPTED = (
    "The backup was interrupted, because the database could not be reached or another member became its "
    "primary: repeat it."
)
_REASONS: Mapping[int | None, str] = {
    _SNAPSHOT_TOO_OLD: "The backup took longer than MongoDB keeps the data as of a moment "
    f"({DEFAULT_WINDOW} seconds, unless {SETTING} was changed), and the user of TASKMGR_MONGODB_URI may not "
    f"change that. Let an administrator run `db.adminCommand({{setParameter: 1, {SETTING}: 3600}})` on each "
    "member of the replica set, and repeat the backup.",
    _SNAPSHOT_UNAVAILABLE: "A migration or a restore has changed the collections meanwhile: repeat the "
    "backup when it has finished.",
}


def save_database(
    database: Database[Any], target: IO[bytes], *, release: str, seen: Callable[[], None] = lambda: None
) -> tuple[BackupHeader, Manifest]:
    """Writes a backup of the database, and calls `seen` for each document.

    Returns what was saved. Raises `CannotStart` if the database has no data of a known form, or if the server
    did not keep the moment for long enough.
    """
    require_known_schema(database)
    with without_deadline(), kept_history(database), _translated_errors():
        header, at = _choose_moment(database, release)
        with database.client.start_session(causal_consistency=False) as session:
            collections = ((name, _rows(database, name, at, session, seen)) for name in SAVED_COLLECTIONS)
            return header, write_backup(target, header, collections)


def _choose_moment(database: Database[Any], release: str) -> tuple[BackupHeader, Timestamp]:
    """Returns the header, and a moment as of which all collections can be read.

    The latest moment may precede the creation of a collection or an index, even if that was acknowledged.
    """
    deadline = time.monotonic() + _MAX_WAIT
    while True:
        header, at = _read_header(database, release)
        try:
            for name in SAVED_COLLECTIONS:
                snapshots.find(database[name], {}, projection={"_id": True}, limit=1, at=at)
        except OperationFailure as error:
            if error.code != _SNAPSHOT_UNAVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return header, at


def _read_header(database: Database[Any], release: str) -> tuple[BackupHeader, Timestamp]:
    snapshot = snapshots.find(database["meta"], {"_id": SCHEMA_ID}, projection={}, limit=1)
    row: Mapping[str, Any] = snapshot.rows[0] if snapshot.rows else {}
    version = row.get("version")
    if not isinstance(version, int) or snapshot.at is None:
        raise CannotStart("The database has no schema version: run `taskmgr db migrate` first.")
    header = BackupHeader(
        release=release,
        as_of=datetime.fromtimestamp(snapshot.at.time, UTC),
        database=database.name,
        schema_version=version,
        time_zone=str(row.get("time_zone")),
        migrated=row.get("finished") is True,
    )
    return header, snapshot.at


def _rows(
    database: Database[Any], name: str, at: Timestamp, session: ClientSession, seen: Callable[[], None]
) -> Iterator[bytes]:
    command = {"find": name, "readConcern": {"level": "snapshot", "atClusterTime": at}}
    raw = database.with_options(codec_options=_RAW)
    for row in raw.cursor_command(command, codec_options=_RAW, session=session):
        yield bytes(row.raw)
        seen()


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        reason = _REASONS.get(getattr(error, "code", None))
        if reason is None and is_temporary(error):
            reason = _INTERRUPTED
        if reason is None:
            raise
        raise CannotStart(reason) from error
