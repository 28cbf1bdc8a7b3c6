"""Saves and restores databases in tests, and reads everything that is stored in one."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.infrastructure.files.backup_file import BackupFile
from taskmgr.infrastructure.mongo.backup.restoring import restore_database
from taskmgr.infrastructure.mongo.backup.saving import SAVED_COLLECTIONS, save_database
from taskmgr.infrastructure.mongo.inspection.database import inspect_database

Contents = Mapping[str, list[bytes]]
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


def save(database: Database[Any]) -> bytes:
    """Returns a backup of the database."""
    target = io.BytesIO()
    save_database(database, target, release="1.2.3")
    return target.getvalue()


def restore(
    database: Database[Any],
    backup: bytes,
    *,
    replace: bool = True,
    seen: Callable[[], None] = lambda: None,
    settling: float = 0.0,
) -> None:
    """Checks and restores a backup; by default no other process is running that has to notice."""
    open_backup(backup).check()
    restore_database(database, open_backup(backup), replace=replace, seen=seen, settling=settling)


def open_backup(backup: bytes) -> BackupFile:
    return BackupFile(io.BytesIO(backup), "saved")


def contents(database: Database[Any]) -> Contents:
    """Returns the bytes of all documents that a backup contains, by collection."""
    raw = database.with_options(codec_options=_RAW)
    return {name: [bytes(row.raw) for row in raw[name].find().sort("_id", 1)] for name in SAVED_COLLECTIONS}


def indexes(database: Database[Any]) -> Mapping[str, Any]:
    """Returns the indexes of the collections that a backup contains."""
    return {
        f"{name}.{index}": options
        for name in SAVED_COLLECTIONS
        for index, options in database[name].index_information().items()
        if index != "_id_"
    }


def leftovers(database: Database[Any]) -> list[str]:
    """Returns what a restore has left behind beside the data."""
    names = [name for name in database.list_collection_names() if name.startswith("restoring_")]
    return names + [row["_id"] for row in database["meta"].find() if row["_id"] != "stored_form"]


def findings(database: Database[Any], policy: Policy = DEFAULT_POLICY) -> list[tuple[str, ...]]:
    """Returns what `taskmgr doctor` finds in the stored data."""
    found: list[tuple[str, ...]] = []
    inspect_database(database, policy, lambda *finding: found.append(finding))
    return found
