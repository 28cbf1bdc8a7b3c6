"""Brings a database to the form that this release stores: indexes, and what a setting derives.

Every step may be run twice and by two machines at once: it looks at what is there, and what it
does depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any

from mongoengine import Document
from pymongo import IndexModel, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from taskmgr.domain.due_date import DueDate
from taskmgr.domain.errors import CannotStart
from taskmgr.infrastructure.connection import without_deadline
from taskmgr.infrastructure.documents import DOCUMENTS

# What this release stores; a database of a later form is refused rather than misread.
STORED_FORM = 1
_META_ID = "stored_form"
_INDEX_NOT_FOUND = 27
_BATCH = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Migrated:
    """What was done: indexes made and dropped by name, and how many due dates were moved."""

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    due_dates: int


def migrate(database: Database[Any], time_zone: tzinfo) -> Migrated:
    """Brings the database up to date; without anything to do it only looks.

    Raises `CannotStart` where a later release has been at it.
    """
    require_known_form(database)
    with without_deadline():  # an index over millions of tasks takes its time
        made, dropped = _update_indexes(database)
        moved = _move_due_dates(database, time_zone)
        fields = {"version": STORED_FORM, "time_zone": str(time_zone)}
        database["meta"].update_one({"_id": _META_ID}, {"$set": fields}, upsert=True)
    return Migrated(made=tuple(made), dropped=tuple(dropped), due_dates=moved)


def _update_indexes(database: Database[Any]) -> tuple[list[str], list[str]]:
    made: list[str] = []
    dropped: list[str] = []
    for document in DOCUMENTS:
        collection = database[document._meta["collection"]]
        for name in stale_indexes(collection, document):
            _drop(collection, name)
            dropped.append(f"{collection.name}.{name}")
        missing = missing_indexes(collection, document)
        if missing:
            collection.create_indexes(missing)
            made += [f"{collection.name}.{index.document['name']}" for index in missing]
    return made, dropped


def stored_form(database: Database[Any]) -> int | None:
    """Which form the database is in; None before the first migration."""
    row = database["meta"].find_one({"_id": _META_ID})
    return None if row is None else int(row["version"])


def require_known_form(database: Database[Any]) -> None:
    """Raises `CannotStart` for a form that a later release stores: it would be misread."""
    form = stored_form(database)
    if form is not None and form > STORED_FORM:
        raise CannotStart(
            f"A later release of taskmgr has used this database (stored form {form}, this release "
            f"knows {STORED_FORM}): run that one."
        )


def require_time_zone(database: Database[Any], time_zone: tzinfo) -> None:
    """Raises `CannotStart` where the due dates are kept for another time zone."""
    row = database["meta"].find_one({"_id": _META_ID})
    kept = str(time_zone) if row is None else row.get("time_zone")
    if kept != str(time_zone):
        raise CannotStart(
            f"Due dates are kept for the time zone {kept}, and TASKMGR_TIMEZONE is {time_zone}: set it to "
            f"{kept}, or run `taskmgr db migrate` to move all due dates to {time_zone}."
        )


def is_current(database: Database[Any], time_zone: tzinfo) -> bool:
    """Whether there is nothing that `migrate` would do."""
    return next(outdated(database, time_zone), None) is None


def outdated(database: Database[Any], time_zone: tzinfo) -> Iterator[str]:
    """What `migrate` would bring up to date, each in a few words."""
    row = database["meta"].find_one({"_id": _META_ID}) or {}
    if row.get("version") != STORED_FORM:
        yield f"The stored form is {row.get('version')}, not {STORED_FORM}"
    elif row.get("time_zone") != str(time_zone):
        yield f"Due dates are kept for the time zone {row.get('time_zone')}, not {time_zone}"
    for document in DOCUMENTS:
        collection = database[document._meta["collection"]]
        for index in missing_indexes(collection, document):
            yield f"The index {collection.name}.{index.document['name']} is missing"
        for name in stale_indexes(collection, document):
            yield f"The index {collection.name}.{name} is not the declared one"


def declared_indexes(document: type[Document]) -> Mapping[str, IndexModel]:
    """The indexes that a document declares, by name."""
    models = {}
    for spec in document._meta["index_specs"]:
        options = {name: value for name, value in spec.items() if name not in ("fields", "cls", "sparse")}
        models[options["name"]] = IndexModel(spec["fields"], **options)
    return models


def missing_indexes(collection: Collection[Any], document: type[Document]) -> list[IndexModel]:
    """Declared, but not there."""
    there = collection.index_information()
    return [index for name, index in declared_indexes(document).items() if name not in there]


def stale_indexes(collection: Collection[Any], document: type[Document]) -> list[str]:
    """There, but not declared, or otherwise than declared."""
    declared = declared_indexes(document)
    return [
        name
        for name, there in collection.index_information().items()
        if name != "_id_" and (name not in declared or not _same(there, declared[name]))
    ]


def _same(there: Mapping[str, Any], declared: IndexModel) -> bool:
    wanted = declared.document
    options = ("unique", "partialFilterExpression", "expireAfterSeconds", "sparse", "collation", "hidden")
    return list(there["key"]) == list(wanted["key"].items()) and all(
        there.get(name) == wanted.get(name) for name in options
    )


def _drop(collection: Collection[Any], name: str) -> None:
    try:
        collection.drop_index(name)
    except OperationFailure as error:  # another machine was quicker
        if error.code != _INDEX_NOT_FOUND:
            raise


def _move_due_dates(database: Database[Any], time_zone: tzinfo) -> int:
    """Plain due dates end at midnight in the service's time zone: when that changes, so do they."""
    row = database["meta"].find_one({"_id": _META_ID})
    if row is None or row.get("time_zone") == str(time_zone):
        return 0
    moved = 0
    for batch in _batches(_moves(database, time_zone)):
        moved += database["tasks"].bulk_write(batch, ordered=False).modified_count
    return moved


def _moves(database: Database[Any], time_zone: tzinfo) -> Iterator[UpdateOne]:
    """An update for every plain due date, guarded by the date that it was read with."""
    plain = {"due_date": {"$regex": "^.{10}$"}}
    for row in database["tasks"].find(plain, {"due_date": True}):
        due = DueDate.on(date.fromisoformat(row["due_date"]), time_zone)
        yield UpdateOne({"_id": row["_id"], "due_date": row["due_date"]}, {"$set": {"due_at": due.at}})


def _batches(updates: Iterator[UpdateOne]) -> Iterator[list[UpdateOne]]:
    batch: list[UpdateOne] = []
    for update in updates:
        batch.append(update)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
