"""Writes documents: validates them, and replaces a document only if it has the previous version.

Every write of a command passes through here, so that the running transaction counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mongoengine import ValidationError
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DictField,
    IntField,
    ListField,
    StringField,
)
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from taskmgr.domain.model.errors import KeyTaken, WriteConflict
from taskmgr.infrastructure.mongo.documents import DOCUMENTS
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.driver_errors import error_codes
from taskmgr.infrastructure.mongo.transaction import count_words, count_write, current_transaction

_DUPLICATE_KEY = 11000
_TOUCH = {"$inc": {"touched": 1}}

# Fields whose `to_mongo` returns a valid value unchanged.
_UNCHANGED = {BooleanField, DateTimeField, DictField, IntField, StringField}


def _is_stored_unchanged(field: Any) -> bool:
    if isinstance(field, ListField):
        return _is_stored_unchanged(field.field)
    return type(field) in _UNCHANGED


# The fields of each document, with their names and whether their values are stored unchanged.
_FIELDS = {
    document: [(name, field, _is_stored_unchanged(field)) for name, field in document._fields.items()]
    for document in DOCUMENTS
}


def validated_row(draft: Draft) -> dict[str, Any]:
    """Returns the row to store. Raises MongoEngine's `ValidationError`, which means a bug of ours.

    Each field validates and converts its value as in MongoEngine's `Document.validate` and `to_mongo`;
    only the document itself is not created (docs/decisions/0001).
    """
    row: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, field, is_unchanged in _FIELDS[draft.document]:
        value = draft.values.get(name)
        if value is None:
            if field.required:
                errors[name] = ValidationError("Field is required", field_name=name)
            if field.null:
                row[field.db_field] = None
            continue
        try:
            field._validate(value)
            row[field.db_field] = value if is_unchanged else field.to_mongo(value)
        except (ValidationError, ValueError, AttributeError, AssertionError) as error:
            errors[name] = error
    if errors:
        raise ValidationError(f"Invalid {draft.document.__name__}: {', '.join(errors)}", errors=errors)
    return row


def insert(collection: Collection[Any], draft: Draft) -> None:
    """Inserts a document immediately. Raises the driver's `DuplicateKeyError`."""
    count_write()
    collection.insert_one(validated_row(draft))


def insert_gathered(collection: Collection[Any], draft: Draft) -> None:
    """Inserts a document; inside a `gathered` block it stays pending until `flush`.

    Raises `WriteConflict`, here or in `flush`, if another document has one of its unique keys; `KeyTaken`
    if that is the key of a task.
    """
    count_write()
    row = validated_row(draft)
    count_words(len(row.get("words", ())))
    transaction = current_transaction()
    if transaction is None or transaction.pending is None:
        _insert_rows(collection, [row])
    else:
        transaction.pending.setdefault(collection.name, (collection, []))[1].append(row)


def flush(collection: Collection[Any]) -> None:
    """Inserts the pending documents of a collection; call it before reading the collection."""
    transaction = current_transaction()
    if transaction is None or not transaction.pending:
        return
    _, pending = transaction.pending.get(collection.name, (collection, []))
    if pending:
        rows = pending[:]
        pending.clear()
        _insert_rows(collection, rows)


def _insert_rows(collection: Collection[Any], rows: list[dict[str, Any]]) -> None:
    try:
        if len(rows) == 1:
            collection.insert_one(rows[0])
        else:
            collection.insert_many(rows)
    except DuplicateKeyError as error:
        raise _conflict(error.details) from error
    except BulkWriteError as error:
        if error_codes(error) == {_DUPLICATE_KEY}:
            raise _conflict(error.details["writeErrors"][0]) from error
        raise


def _conflict(details: Any) -> WriteConflict:
    """Returns the error for a document whose unique key another one has, by the server's description."""
    return KeyTaken() if "keys" in details.get("keyPattern", ()) else WriteConflict()


def replace(collection: Collection[Any], draft: Draft) -> None:
    """Stores the next version of a document. Raises `WriteConflict` unless the previous one is stored.

    Uses a conditional update and not MongoEngine's `save()`, which is an unconditional upsert and would
    bring back a fragment of a document that has been deleted meanwhile.
    """
    count_write()
    fields = validated_row(draft)
    if collection.update_one(_previous(fields), {"$set": fields}).matched_count != 1:
        raise WriteConflict


def replace_fields(collection: Collection[Any], drafts: Sequence[Draft], names: Sequence[str]) -> None:
    """Stores the next versions of different documents that have changed only in these fields, in one call.

    Raises `WriteConflict` unless the previous version of each is stored.
    """
    if not drafts:
        return
    count_write()
    rows = map(validated_row, drafts)
    updates = [UpdateOne(_previous(row), {"$set": {name: row[name] for name in names}}) for row in rows]
    if collection.bulk_write(updates, ordered=False).matched_count != len(updates):
        raise WriteConflict


def _previous(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the condition for the previous version of a document, and takes the id out of the row."""
    return {"_id": row.pop("_id"), "version": row["version"] - 1}


def touch(collection: Collection[Any], keys: Iterable[Any]) -> None:
    """Raises the `touched` counter of documents, so that two transactions that touch one conflict."""
    new = _not_touched(collection, keys)
    if new:
        count_write()
        collection.update_many({"_id": {"$in": new}}, _TOUCH)


def touch_one(collection: Collection[Any], key: Any, *, upsert: bool = False) -> Mapping[str, Any] | None:
    """Touches one document and returns it; None if it does not exist or has been touched before."""
    if not _not_touched(collection, [key]):
        return None
    count_write()
    return collection.find_one_and_update({"_id": key}, _TOUCH, upsert=upsert, return_document=True)


def _not_touched(collection: Collection[Any], keys: Iterable[Any]) -> list[Any]:
    """Returns the keys that this transaction has not touched yet, and marks them as touched."""
    transaction = current_transaction()
    if transaction is None:
        return list(keys)
    new = [key for key in keys if (collection.name, key) not in transaction.touched]
    transaction.touched.update((collection.name, key) for key in new)
    return new
