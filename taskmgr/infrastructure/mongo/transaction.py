"""Holds the state of the running transaction, which all repositories share.

State that lasts as long as one attempt at a command is a field of `Transaction`; no other module has a
context variable for it (docs/decisions/0026).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from taskmgr.domain.model.project import Project
from taskmgr.domain.model.user import User

# Words of new tasks that one transaction may store, each counted once per task. Every word is an index
# entry. With the smallest cache of the embedded database (256 MiB) about 100,000 fit; beyond that the server
# does not always refuse at once, but may spend a minute evicting pages while nothing else is answered.
MAX_WORDS = 60_000
_TOO_LARGE_FOR_CACHE = 388  # TransactionTooLargeForCache, the server's own refusal

# New documents that are not inserted yet, by collection name.
PendingInserts = dict[str, tuple[Collection[Any], list[dict[str, Any]]]]


class PartialWrite(RuntimeError):
    """A command failed after it had written, but its caller continued, so its writes would be committed."""


@dataclass(kw_only=True, slots=True)
class Transaction:
    """One attempt at a command.

    `touched` are the documents that have been touched, by collection and id, because one touch suffices.
    `users` and `projects` are those that have been read, by id or key, because the snapshot would return the
    same data again.
    `pending` is None outside a `gathered` block. `writes` counts all writes, also pending ones;
    `words` counts the indexed words of new documents.
    """

    client: MongoClient[Any]
    change_set: str
    is_dry_run: bool = False
    touched: set[tuple[str, Any]] = field(default_factory=set)
    users: dict[str, User] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    pending: PendingInserts | None = None
    writes: int = 0
    words: int = 0
    _failed_after_write: BaseException | None = None

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Runs a command that joins this transaction; records whether it fails after writing."""
        writes = self.writes
        try:
            yield
        except BaseException as error:
            if self.writes != writes:
                self._failed_after_write = error
            raise

    def require_complete(self) -> None:
        """Raises `PartialWrite` if a joined command has failed after writing."""
        error = self._failed_after_write
        if error is not None:
            raise PartialWrite(f"A command wrote and then failed: {error!r}.") from error


_current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)


def current_transaction() -> Transaction | None:
    """Returns the transaction that runs in this context, or None."""
    return _current.get()


@contextmanager
def running(transaction: Transaction) -> Iterator[None]:
    """Makes a transaction the current one inside the block."""
    token = _current.set(transaction)
    try:
        yield
    finally:
        _current.reset(token)


def count_words(words: int) -> None:
    """Counts the indexed words of a new document.

    Raises the driver's error for a transaction that is too large, as the server does, beyond `MAX_WORDS`.
    """
    transaction = _current.get()
    if transaction is None:
        return
    transaction.words += words
    if transaction.words > MAX_WORDS:
        raise OperationFailure(
            f"A transaction may store at most {MAX_WORDS} words of new documents.", _TOO_LARGE_FOR_CACHE
        )


def count_write() -> None:
    """Counts a write of the running transaction; call it before each write, or use `writing`."""
    transaction = _current.get()
    if transaction is not None:
        transaction.writes += 1
