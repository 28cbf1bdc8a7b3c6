"""Which errors of the driver become the domain's `Unavailable`, and where."""

from __future__ import annotations

import pytest
from pymongo import MongoClient
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from taskmgr.domain.model.errors import DomainError, NotFound, Unavailable
from taskmgr.infrastructure.mongo.driver_errors import raises_domain_errors, translated_errors
from taskmgr.infrastructure.mongo.transaction import Transaction, running


def labelled(label: str) -> PyMongoError:
    error = OperationFailure("…")
    error._add_error_label(label)
    return error


TRANSIENT = [
    AutoReconnect("…"),
    ConfigurationError("Sessions are not supported by this MongoDB deployment"),
    ConnectionFailure("…"),
    ExecutionTimeout("…", 50),
    NetworkTimeout("…"),
    NotPrimaryError("…"),
    ServerSelectionTimeoutError("…"),
    WaitQueueTimeoutError("…"),
    WTimeoutError("…", 64),
    OperationFailure("…", 26),
    OperationFailure("…", 175),
    OperationFailure("…", 246),
    labelled("TransientTransactionError"),
    labelled("UnknownTransactionCommitResult"),
    labelled("RetryableWriteError"),
]
PERMANENT = [
    ConfigurationError("…"),
    DuplicateKeyError("…", 11000),
    OperationFailure("…", 13),
    BulkWriteError({"writeErrors": []}),
    PyMongoError("…"),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=repr)
def test_a_transient_error_becomes_unavailable(error: PyMongoError) -> None:
    with pytest.raises(Unavailable) as caught, translated_errors():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", PERMANENT, ids=repr)
def test_a_permanent_error_is_not_translated(error: PyMongoError) -> None:
    with pytest.raises(type(error)), translated_errors():
        raise error


@pytest.mark.parametrize("error", TRANSIENT, ids=repr)
def test_inside_a_transaction_the_driver_sees_its_own_errors(error: PyMongoError) -> None:
    with (
        MongoClient(connect=False) as client,
        running(Transaction(client=client, change_set="one")),
        pytest.raises(type(error)),
        translated_errors(),
    ):
        raise error


@pytest.mark.parametrize("error", [NotFound("task", "x"), KeyError("x")])
def test_other_errors_are_not_translated(error: Exception) -> None:
    with pytest.raises(type(error)), translated_errors():
        raise error


@raises_domain_errors
class Repository:
    """A repository whose store cannot be reached."""

    def get(self) -> None:
        """Gets."""
        raise AutoReconnect("…")

    def _get(self) -> None:
        raise AutoReconnect("…")


def test_every_public_method_of_a_repository_raises_the_domains_errors() -> None:
    with pytest.raises(DomainError):
        Repository().get()


def test_private_methods_are_not_wrapped() -> None:
    with pytest.raises(AutoReconnect):
        Repository()._get()


def test_a_method_keeps_its_name_and_its_docstring() -> None:
    assert (Repository.get.__name__, Repository.get.__doc__) == ("get", "Gets.")
