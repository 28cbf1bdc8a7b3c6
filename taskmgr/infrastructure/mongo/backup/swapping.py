"""Puts loaded collections in the place of the present ones, so that an interruption can be finished.

A restore loads everything into collections beside the present ones, which stay in use meanwhile. The row
`restore` of `meta` names them and says how far it has come:

    loading      nothing has changed yet
    settling     running processes refuse to write, as soon as they have noticed
    replacing    the loaded collections are renamed, one after the other

An interrupted restore is given up in the first two phases. In the last one it has to be finished, by
`taskmgr db migrate` or by the next start of the service with the embedded database: each renaming can be done
whether or not the others have been.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.mongo.schema_version import RESTORE_ID, SCHEMA_ID

_PREFIX = "restoring_"
_MAJORITY = WriteConcern("majority")
_NAMESPACE_NOT_FOUND = 26


def begin_restore(
    database: Database[Any], restore: str, collections: Sequence[str], schema: Mapping[str, Any]
) -> None:
    """Registers a restore of these collections, whose data has this schema version.

    Removes what others have loaded that did not get further: the last restore to begin wins. Raises
    `CannotStart` if one is replacing the data.
    """
    row = {"restore": restore, "collections": list(collections), "schema": dict(schema), "phase": "loading"}
    try:
        _meta(database).replace_one({"_id": RESTORE_ID, "phase": "loading"}, row, upsert=True)
    except DuplicateKeyError as error:
        raise CannotStart(
            "Another restore is replacing the data, or was interrupted while it did: run "
            "`taskmgr db migrate`, which finishes it."
        ) from error
    for name in loaded_collections(database):
        database.drop_collection(name)


def loaded_collections(database: Database[Any]) -> list[str]:
    """Returns the names of the collections that restores have loaded and not put in place."""
    return database.list_collection_names(filter={"name": {"$regex": f"^{_PREFIX}"}})


def loaded_name(restore: str, collection: str) -> str:
    """Returns the name under which a restore loads a collection."""
    return f"{_PREFIX}{restore}.{collection}"


def enter_phase(database: Database[Any], restore: str, phase: str) -> None:
    """Stores how far a restore has come. Raises `CannotStart` if it was given up, or another has begun."""
    ours = {"_id": RESTORE_ID, "restore": restore}
    if not _meta(database).update_one(ours, {"$set": {"phase": phase}}).matched_count:
        raise CannotStart(
            "Another restore or a migration has begun meanwhile. Nothing was changed: try again."
        )


def give_up(database: Database[Any], restore: str) -> None:
    """Removes what a restore has loaded, unless it has begun to replace the data.

    The row goes first: then the restore cannot begin to replace any more.
    """
    ours = {"_id": RESTORE_ID, "restore": restore}
    _meta(database).delete_one({**ours, "phase": {"$ne": "replacing"}})
    if _meta(database).find_one(ours) is not None:
        return
    for name in loaded_collections(database):
        if name.startswith(loaded_name(restore, "")):
            database.drop_collection(name)


def finish_restore(database: Database[Any], *, settling: float = 0.0) -> None:
    """Puts the loaded collections in place if a restore had begun to, and gives up an earlier one.

    Waits `settling` seconds before, in which all processes notice that they must not write. Two processes may
    do this at once.
    """
    row = _meta(database).find_one({"_id": RESTORE_ID})
    if row is not None and row["phase"] != "loading":
        time.sleep(settling)
        row = _meta(database).find_one({"_id": RESTORE_ID})
    if row is None:
        return
    if row["phase"] != "replacing":
        give_up(database, row["restore"])
        return
    for name in row["collections"]:
        _replace(database, loaded_name(row["restore"], name), name)
    with database.client.start_session() as session:
        session.with_transaction(
            lambda session: _store_schema(database, row, session), write_concern=_MAJORITY
        )


def _replace(database: Database[Any], loaded: str, name: str) -> None:
    source, target = f"{database.name}.{loaded}", f"{database.name}.{name}"
    try:
        database.client.admin.command(
            "renameCollection", source, to=target, dropTarget=True, writeConcern=_MAJORITY.document
        )
    except OperationFailure as error:
        if error.code != _NAMESPACE_NOT_FOUND:  # it has been renamed before
            raise


def _store_schema(database: Database[Any], row: Mapping[str, Any], session: ClientSession) -> None:
    """Stores the restored data's schema version and admits writers, unless another process has done so."""
    meta, ours = database["meta"], {"_id": RESTORE_ID, "restore": row["restore"]}
    if meta.delete_one(ours, session=session).deleted_count:
        meta.replace_one({"_id": SCHEMA_ID}, row["schema"], upsert=True, session=session)


def _meta(database: Database[Any]) -> Collection[Any]:
    return database.get_collection("meta", write_concern=_MAJORITY)
