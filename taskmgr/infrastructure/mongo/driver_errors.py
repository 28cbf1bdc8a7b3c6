"""Turns the driver's errors into the domain's, at the edge of the infrastructure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
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

_TEMPORARY = (ConnectionFailure, ExecutionTimeout, WaitQueueTimeoutError, WTimeoutError)
_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")

# NamespaceNotFound and QueryPlanKilled: a restore has replaced the collection while it was read, or a
# migration has dropped the index. SnapshotUnavailable: a server that has just started, or has changed a
# collection, cannot read as of a moment yet.
_TEMPORARY_CODES = frozenset({26, 175, 246})

# TransactionTooLarge, TransactionTooLargeForCache, BSONObjectTooLarge, and an update that makes a document
# too large.
# https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
_TOO_LARGE = frozenset({257, 388, 10334, 17419})

# The driver has no classes for the use of a closed client, and for an explicit session on a connection that
# was opened while its server was starting; only these texts.
_AFTER_CLOSE = "after close"
_NO_SESSIONS = "Sessions are not supported"


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raises a domain error in place of a driver's error that has an equivalent.

    `Unavailable` if the server does not answer now, `Closed` if the client was closed, and
    `TransactionTooLarge` if the server can never store the change. Any other error is a bug and passes
    unchanged.
    """
    try:
        yield
    except PyMongoError as error:
        _raise_domain_error(error)
        raise


def _raise_domain_error(error: PyMongoError) -> None:
    if isinstance(error, InvalidOperation):
        if _AFTER_CLOSE in str(error):
            raise Closed from error
    elif current_transaction() is not None:
        return  # `with_transaction` needs the driver's own error: its labels say what to run again
    elif is_too_large(error):
        raise TransactionTooLarge from error
    elif is_temporary(error):
        raise Unavailable from error


def is_temporary(error: PyMongoError) -> bool:
    """Returns True if the same call may succeed later: for instance after an election."""
    return (
        isinstance(error, _TEMPORARY)
        or error.timeout
        or not _TEMPORARY_CODES.isdisjoint(error_codes(error))
        or any(map(error.has_error_label, _LABELS))
        or lacks_sessions(error)
    )


def lacks_sessions(error: PyMongoError) -> bool:
    """Returns True if the connection was opened before its server was ready."""
    return isinstance(error, ConfigurationError) and _NO_SESSIONS in str(error)


def is_too_large(error: PyMongoError) -> bool:
    """Returns True if the server can never store this much in one document or transaction."""
    return isinstance(error, DocumentTooLarge) or not _TOO_LARGE.isdisjoint(error_codes(error))


def error_codes(error: PyMongoError) -> set[int | None]:
    """Returns the server's error codes; those of all writes for a `BulkWriteError`."""
    if isinstance(error, BulkWriteError):
        return {write.get("code") for write in (error.details or {}).get("writeErrors", ())}
    return {error.code} if isinstance(error, OperationFailure) else set()


def raises_domain_errors(repository: type[C]) -> type[C]:
    """Decorates a class so that every public method raises domain errors."""
    for name, method in vars(repository).items():
        if callable(method) and not name.startswith("_"):
            setattr(repository, name, _translating(method))
    return repository


def _translating(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:  # not `translated_errors`: entering a generator costs more than mapping a row
            return method(*args, **kwargs)
        except PyMongoError as error:
            _raise_domain_error(error)
            raise

    return wrapper
