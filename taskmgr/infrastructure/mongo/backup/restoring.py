"""Restores a backup: loads it beside the present data, compares it with the file, and replaces the data."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any

from bson.codec_options import CodecOptions
from bson.errors import InvalidDocument
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, PyMongoError, WriteError
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.files.backup_file import BackupFile, BadBackup
from taskmgr.infrastructure.files.backup_format import BackupHeader, Manifest
from taskmgr.infrastructure.mongo.backup.saving import SAVED_COLLECTIONS
from taskmgr.infrastructure.mongo.backup.swapping import (
    begin_restore,
    enter_phase,
    finish_restore,
    give_up,
    loaded_name,
)
from taskmgr.infrastructure.mongo.client import without_deadline
from taskmgr.infrastructure.mongo.documents import DOCUMENTS
from taskmgr.infrastructure.mongo.driver_errors import is_temporary
from taskmgr.infrastructure.mongo.indexes import declared_indexes
from taskmgr.infrastructure.mongo.schema_version import SCHEMA_VERSION, SETTLING_SECONDS

_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_BATCH_ROWS = 1_000
_BATCH_BYTES = 8 * 1024 * 1024
_INTERRUPTED = (
    "The restore was interrupted, because the database could not be reached or another member became its "
    "primary. Nothing was changed: repeat it."
)
# A database that nobody has used: `taskmgr db migrate` creates a project and nothing else.
_SIGNS_OF_USE = ("users", "tasks", "comments", "tokens")


def require_restorable(header: BackupHeader, manifest: Manifest, time_zone: tzinfo) -> None:
    """Raises `CannotStart` if this release cannot use the backup, or not with this time zone."""
    if header.schema_version > SCHEMA_VERSION:
        raise CannotStart(
            f"The backup was made by a later release of taskmgr (its schema version is "
            f"{header.schema_version}, and that of this release {SCHEMA_VERSION}): restore it with the "
            f"release {header.release}."
        )
    if header.time_zone != str(time_zone):
        raise CannotStart(
            f"The due dates in the backup are for the time zone {header.time_zone}, and TASKMGR_TIMEZONE is "
            f"{time_zone}: set it to {header.time_zone} to restore the backup. Afterwards, change it and run "
            "`taskmgr db migrate` if all due dates are to be moved."
        )
    if unknown := sorted(manifest.keys() - set(SAVED_COLLECTIONS)):
        raise BadBackup(f"The backup has collections that taskmgr does not know: {', '.join(unknown)}.")


def require_replaceable(database: Database[Any], *, replace: bool) -> None:
    """Raises `CannotStart` if the database must not, or cannot, be replaced."""
    if database.client.admin.command("hello").get("msg") == "isdbgrid":
        raise CannotStart("Backups cannot be restored into a sharded cluster: use a replica set.")
    if not replace and any(database[name].find_one({}, {"_id": True}) for name in _SIGNS_OF_USE):
        raise CannotStart(
            f"The database {database.name} is not empty. Give --replace to replace everything in it."
        )


def restore_database(
    database: Database[Any],
    backup: BackupFile,
    *,
    replace: bool,
    seen: Callable[[], None] = lambda: None,
    settling: float = SETTLING_SECONDS,
) -> None:
    """Replaces the data by that of a backup, whose file has been checked.

    `seen` is called for each document that has been loaded. Until everything has been loaded and compared,
    the present data stays as it is and in use. Then processes refuse to write: for `settling` seconds, in
    which all of them notice, and for as long as the replacement takes. Data of an earlier schema version has
    to be migrated afterwards. Raises `CannotStart`.
    """
    header = backup.header
    schema = {"version": header.schema_version, "time_zone": header.time_zone, "finished": header.migrated}
    restore = secrets.token_hex(4)
    with without_deadline():
        begin_restore(database, restore, SAVED_COLLECTIONS, schema)
        try:
            loaded = _create_collections(database, restore)
            # Another primary may not show at once what a majority has stored, except to the same session.
            with database.client.start_session(causal_consistency=True) as session:
                sent = _load(loaded, backup, session, seen)
                _compare(loaded, sent, session)
            if header.schema_version == SCHEMA_VERSION:
                _create_indexes(loaded)
            enter_phase(database, restore, "settling")
            time.sleep(settling)
            require_replaceable(database, replace=replace)  # again, because a service may be running
            enter_phase(database, restore, "replacing")
        except BaseException as error:
            with suppress(PyMongoError):  # the next restore removes what is left
                give_up(database, restore)
            if isinstance(error, PyMongoError) and is_temporary(error):
                raise CannotStart(_INTERRUPTED) from error
            raise
        _replace(database)


def _replace(database: Database[Any]) -> None:
    try:
        finish_restore(database)
    except PyMongoError as error:
        raise CannotStart(
            "The restore was interrupted while it was replacing the data: run `taskmgr db migrate`, which "
            "finishes it."
        ) from error


def _create_collections(database: Database[Any], restore: str) -> dict[str, Collection[RawBSONDocument]]:
    """Creates a collection for each one of ours, also for those that the backup lacks."""
    majority = WriteConcern("majority")
    return {
        name: database.create_collection(
            loaded_name(restore, name), codec_options=_RAW, write_concern=majority
        )
        for name in SAVED_COLLECTIONS
    }


@dataclass
class _RowSet:
    """Counts rows and adds up their hashes. The order does not matter: each member stores rows in its own."""

    count: int = 0
    hashes: int = 0

    def add(self, row: bytes) -> None:
        self.count += 1
        self.hashes += int.from_bytes(sha256(row).digest())


def _load(
    loaded: dict[str, Collection[RawBSONDocument]],
    backup: BackupFile,
    session: ClientSession,
    seen: Callable[[], None],
) -> dict[str, _RowSet]:
    sent = {name: _RowSet() for name in loaded}
    for name, rows in groupby(backup.rows(), key=itemgetter(0)):
        for batch in _batches(row for _, row in rows):
            try:
                loaded[name].insert_many(list(map(RawBSONDocument, batch)), session=session)
            except (BulkWriteError, WriteError, InvalidDocument) as error:
                if isinstance(error, PyMongoError) and is_temporary(error):
                    raise
                raise CannotStart(
                    f"MongoDB refused a document of the collection {name}. Nothing was changed: use another "
                    "backup."
                ) from error
            for row in batch:
                sent[name].add(row)
                seen()
    return sent


def _batches(rows: Iterator[bytes]) -> Iterator[Sequence[bytes]]:
    batch: list[bytes] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row)
        if len(batch) == _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compare(
    loaded: dict[str, Collection[RawBSONDocument]], sent: dict[str, _RowSet], session: ClientSession
) -> None:
    """Raises `CannotStart` unless the loaded collections have exactly the rows that were sent."""
    for name, collection in loaded.items():
        stored = _RowSet()
        for row in collection.find(session=session).hint([("$natural", 1)]):
            stored.add(bytes(row.raw))
        if stored != sent[name]:
            raise CannotStart(
                f"MongoDB has not stored the collection {name} as it is in the backup. Nothing was changed: "
                "make sure that no other restore is running, and repeat this one."
            )


def _create_indexes(loaded: dict[str, Collection[RawBSONDocument]]) -> None:
    for document in DOCUMENTS:
        collection, indexes = loaded.get(document._meta["collection"]), declared_indexes(document)
        if collection is not None and indexes:
            collection.create_indexes(list(indexes.values()))
