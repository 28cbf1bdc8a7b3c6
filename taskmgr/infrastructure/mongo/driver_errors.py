"""Turns the driver's errors into the domain's, at the edge and nowhere else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from taskmgr.domain.model.errors import Closed, TransactionTooLarge, Unavailable
from taskmgr.infrastructure.mongo.transaction import current_transaction

C = TypeVar("C")

_PASSING = (ConnectionFailure, ExecutionTimeout, WaitQueueTimeoutError, WTimeoutError)
_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")

# TransactionTooLarge, TransactionTooLargeForCache, BSONObjectTooLarge, and an update's result that is.
# https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
_TOO_LARGE = frozenset({257, 388, 10334, 17419})

# The driver has no class of its own for it.
_AFTER_CLOSE = "after close"


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raises the domain's error for a driver's error that has a meaning there.

    A store that does not answer now is `Unavailable`, one that was closed is `Closed`, and a change that
    it can never keep is `TransactionTooLarge`. What is left is a mistake of ours and stays.
    """
    try:
        yield
    except PyMongoError as error:
        _raise_meaning(error)
        raise


def _raise_meaning(error: PyMongoError) -> None:
    if isinstance(error, InvalidOperation):
        if _AFTER_CLOSE in str(error):
            raise Closed from error
    elif current_transaction() is not None:
        return  # the labels of the driver's own error tell it what to run again
    elif is_too_large(error):
        raise TransactionTooLarge from error
    elif is_temporary(error):
        raise Unavailable from error


def is_temporary(error: PyMongoError) -> bool:
    """Whether the store may answer the same call later: it is away, changing hands, or too slow."""
    return isinstance(error, _PASSING) or error.timeout or any(map(error.has_error_label, _LABELS))


def is_too_large(error: PyMongoError) -> bool:
    """Whether the store can never keep this much in one document or transaction."""
    return isinstance(error, DocumentTooLarge) or not _TOO_LARGE.isdisjoint(error_codes(error))


def error_codes(error: PyMongoError) -> set[int | None]:
    """Returns the server's codes for what has failed, of each write where there were several."""
    if isinstance(error, BulkWriteError):
        return {write.get("code") for write in (error.details or {}).get("writeErrors", ())}
    return {error.code} if isinstance(error, OperationFailure) else set()


def raises_domain_errors(repository: type[C]) -> type[C]:
    """Class decorator: every public method raises the domain's errors."""
    for name, method in vars(repository).items():
        if callable(method) and not name.startswith("_"):
            setattr(repository, name, _translating(method))
    return repository


def _translating(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:  # not `translated_errors`, which costs more than most of what a repository does besides asking
            return method(*args, **kwargs)
        except PyMongoError as error:
            _raise_meaning(error)
            raise

    return wrapper
