"""How a document is written: validated, and only over the version before."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from mongoengine import Document
from pymongo.collection import Collection

from taskmgr.domain.errors import WriteConflict


def stored(document: Document) -> dict[str, Any]:
    """The document's stored form. Raises MongoEngine's ValidationError for a mistake of ours."""
    document.validate()
    return dict(document.to_mongo())


def replace(collection: Collection[Any], document: Document) -> None:
    """Stores the next version over the one before, or raises `WriteConflict`.

    A conditional update, never a `save()`: without a condition that is an upsert, and brings back
    as a fragment what has been deleted meanwhile.
    """
    fields = stored(document)
    key = fields.pop("_id")
    result = collection.update_one({"_id": key, "version": fields["version"] - 1}, {"$set": fields})
    if result.matched_count != 1:
        raise WriteConflict


# What the running transaction has touched: once is enough, and a bulk touches the same user often.
touched: ContextVar[set[tuple[str, Any]] | None] = ContextVar("touched", default=None)


def touch(collection: Collection[Any], keys: Iterable[Any], *, upsert: bool = False) -> None:
    """Counts documents up, so that two transactions that touch the same one meet; nothing else changes."""
    known = touched.get()
    new = [key for key in keys if known is None or (collection.name, key) not in known]
    if known is not None:
        known.update((collection.name, key) for key in new)
    if upsert:
        for key in new:
            collection.update_one({"_id": key}, _COUNT_UP, upsert=True)
    elif new:
        collection.update_many({"_id": {"$in": new}}, _COUNT_UP)


_COUNT_UP = {"$inc": {"touched": 1}}
