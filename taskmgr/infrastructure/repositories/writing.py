"""How a document is written: validated, and only over the version before."""

from __future__ import annotations

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


TOUCH = {"$inc": {"touched": 1}}
