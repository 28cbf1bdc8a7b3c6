"""How a document is written: validated, and only over the version before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from pymongo.collection import Collection

from taskmgr.domain.model.errors import WriteConflict
from taskmgr.infrastructure.mongo.documents import DOCUMENTS, Draft
from taskmgr.infrastructure.mongo.memory import memory

# What these hold is stored as it is, once it is valid.
_PLAIN = {BooleanField, DateTimeField, DictField, IntField, StringField}


def _is_as_given(field: Any) -> bool:
    return _is_as_given(field.field) if isinstance(field, ListField) else type(field) in _PLAIN


# The fields of every document by name, and whether their values are stored as given.
_FIELDS = {
    document: [(name, field, _is_as_given(field)) for name, field in document._fields.items()]
    for document in DOCUMENTS
}


def validated_row(draft: Draft) -> dict[str, Any]:
    """The stored form of a draft. Raises MongoEngine's ValidationError for a mistake of ours.

    Every field validates and writes its value as MongoEngine's own `validate` and `to_mongo` have it
    do; only the document itself is not made, which took as long as all the rest.
    """
    found: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, field, is_as_given in _FIELDS[draft.document]:
        value = draft.values.get(name)
        if value is None:
            if field.required:
                errors[name] = ValidationError("Field is required", field_name=name)
            if field.null:
                found[field.db_field] = None
            continue
        try:
            field._validate(value)
            found[field.db_field] = value if is_as_given else field.to_mongo(value)
        except (ValidationError, ValueError, AttributeError, AssertionError) as error:
            errors[name] = error
    if errors:
        raise ValidationError(f"This is no {draft.document.__name__}: {', '.join(errors)}", errors=errors)
    return found


def replace(collection: Collection[Any], draft: Draft) -> None:
    """Stores the next version over the one before, or raises `WriteConflict`.

    A conditional update, never a `save()`: without a condition that is an upsert, and brings back
    as a fragment what has been deleted meanwhile.
    """
    fields = validated_row(draft)
    key = fields.pop("_id")
    result = collection.update_one({"_id": key, "version": fields["version"] - 1}, {"$set": fields})
    if result.matched_count != 1:
        raise WriteConflict


_COUNT_UP = {"$inc": {"touched": 1}}


def touch(collection: Collection[Any], keys: Iterable[Any]) -> None:
    """Counts documents up, so that two transactions that touch the same one meet; nothing else changes."""
    new = _not_yet(collection, keys)
    if new:
        collection.update_many({"_id": {"$in": new}}, _COUNT_UP)


def touch_one(collection: Collection[Any], key: Any, *, upsert: bool = False) -> Mapping[str, Any] | None:
    """The same for one, as it then is; None where there is none, or where it has been touched before."""
    if not _not_yet(collection, [key]):
        return None
    return collection.find_one_and_update({"_id": key}, _COUNT_UP, upsert=upsert, return_document=True)


def _not_yet(collection: Collection[Any], keys: Iterable[Any]) -> list[Any]:
    touched = memory().touched
    new = [key for key in keys if (collection.name, key) not in touched]
    touched.update((collection.name, key) for key in new)
    return new
