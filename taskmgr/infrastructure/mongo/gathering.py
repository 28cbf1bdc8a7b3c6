"""New documents that can wait: inside a block they are stored together, and not one by one.

They wait until somebody looks into their collection, or until the block ends. A bulk of a thousand
new tasks so takes a few round trips instead of thousands, and every rule still sees what the
operations before it did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from taskmgr.domain.model.errors import WriteConflict
from taskmgr.infrastructure.mongo.driver_errors import error_codes

_DUPLICATE_KEY = 11000

Waiting = dict[str, tuple[Collection[Any], list[dict[str, Any]]]]
# Of this context alone: another thread's command gathers for itself.
_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def gathered() -> Iterator[None]:
    """The block. What still waits where it is left by an error is never stored: the command failed."""
    token = _waiting.set({})
    try:
        yield
        for collection, _ in (_waiting.get() or {}).values():
            flush(collection)
    finally:
        _waiting.reset(token)


def is_gathering() -> bool:
    """Whether this context is inside a block."""
    return _waiting.get() is not None


def insert(collection: Collection[Any], document: dict[str, Any]) -> None:
    """Stores a new document, or lets it wait. Raises `WriteConflict` where there is one of its key."""
    waiting = _waiting.get()
    if waiting is None:
        _store(collection, [document])
    else:
        waiting.setdefault(collection.name, (collection, []))[1].append(document)


def flush(collection: Collection[Any]) -> None:
    """Stores what waits for this collection."""
    _, documents = (_waiting.get() or {}).get(collection.name, (collection, []))
    if documents:
        waiting = documents[:]
        documents.clear()
        _store(collection, waiting)


def _store(collection: Collection[Any], documents: list[dict[str, Any]]) -> None:
    try:
        if len(documents) == 1:
            collection.insert_one(documents[0])
        else:
            collection.insert_many(documents)
    except DuplicateKeyError as error:
        raise WriteConflict from error
    except BulkWriteError as error:
        if error_codes(error) == {_DUPLICATE_KEY}:
            raise WriteConflict from error
        raise
