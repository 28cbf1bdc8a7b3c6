"""Turns the driver's errors into the domain's, at the edge and nowhere else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    InvalidOperation,
    PyMongoError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from taskmgr.domain.errors import Closed, Unavailable

C = TypeVar("C")

_PASSING = (ConnectionFailure, ExecutionTimeout, WaitQueueTimeoutError, WTimeoutError)
_LABELS = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")

# The driver has no class of its own for it.
_AFTER_CLOSE = "after close"

# Inside a transaction the driver's own errors must pass: their labels tell it what to run again.
in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)


@contextmanager
def translated() -> Iterator[None]:
    """The driver's "not now" becomes `Unavailable`, its "not any more" `Closed`.

    What is left is a mistake of ours and stays.
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
    elif not in_transaction.get() and is_passing(error):
        raise Unavailable from error


def is_passing(error: PyMongoError) -> bool:
    """Whether the store may answer the same call later: it is away, changing hands, or too slow."""
    return isinstance(error, _PASSING) or error.timeout or any(map(error.has_error_label, _LABELS))


def translates(repository: type[C]) -> type[C]:
    """Class decorator: every public method raises the domain's errors."""
    for name, method in vars(repository).items():
        if callable(method) and not name.startswith("_"):
            setattr(repository, name, _translating(method))
    return repository


def _translating(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:  # not `translated`, which costs more than most of what a repository does besides asking
            return method(*args, **kwargs)
        except PyMongoError as error:
            _raise_meaning(error)
            raise

    return wrapper
