"""How exceptions are logged: in full, except for texts that may contain stored or sent data."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import mongoengine
import pymongo.errors as driver
import pytest
import structlog

from taskmgr import exception_text, logs
from taskmgr.domain.model.errors import FieldError, Invalid, NotFound, Stale, Unavailable
from taskmgr.domain.model.parsing import BadValue
from taskmgr.server.worker import log_uncaught_exceptions
from tests.factories import a_task

SECRET = "hunter2-hunter2"
DOCUMENT = {"_id": 1, "title": SECRET, "description": SECRET}
WRITE_ERRORS = {"writeErrors": [{"index": 0, "code": 388, "errmsg": SECRET, "op": DOCUMENT}]}

LEAKY: list[Exception] = [
    driver.BulkWriteError(WRITE_ERRORS),
    driver.WriteError(SECRET, 388, {"code": 388, "op": DOCUMENT}),
    driver.DuplicateKeyError(f"dup key: {SECRET}", 11000, {"keyValue": {"title": SECRET}}),
    driver.OperationFailure(f"not authorized to insert {SECRET}", 13, {"codeName": "Unauthorized"}),
    driver.ExecutionTimeout(SECRET, 50, {"errmsg": SECRET}),
    driver.DocumentTooLarge(SECRET),
    driver.ConfigurationError(SECRET),
    mongoengine.ValidationError(SECRET, errors={"title": ValueError(SECRET)}),
    mongoengine.NotUniqueError(SECRET),
    KeyError(SECRET),
    ValueError(SECRET),
    TypeError(SECRET),
    AssertionError(SECRET),
    Invalid([FieldError(location=SECRET, code="x", detail=SECRET)]),
    NotFound("task", SECRET),
    BadValue("x", SECRET),
    Stale(a_task(title=SECRET), expected=7),
    ExceptionGroup(SECRET, [ValueError(SECRET)]),
]


def raised(error: Exception, how: str) -> Exception:
    """Raises the error, alone or in the chain of another, and returns the exception that was caught."""
    try:
        try:
            raise error
        except Exception as first:
            if how == "as a cause":
                raise RuntimeError(SECRET) from first
            if how == "as a context":
                raise RuntimeError(SECRET)  # noqa: B904 - the implicit chain is what is tested
            raise
    except Exception as last:  # noqa: BLE001 - any of them
        return last


@contextmanager
def logging_in(form: str) -> Iterator[None]:
    """Logs in one of the two forms inside the block. A fixture would outlive pytest's handlers."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    logs.set_up(form)
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        structlog.configure(**config)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("how", ["alone", "as a cause", "as a context"])
@pytest.mark.parametrize("error", LEAKY, ids=lambda error: type(error).__name__)
def test_no_log_holds_the_text_of_an_exception(
    error: Exception, how: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failure: Any = raised(error, how)
    ours, theirs = structlog.get_logger("taskmgr.x"), logging.getLogger("gunicorn.error")

    with logging_in(form):
        ours.error("internal error", exc_info=failure, cause=failure, several=[failure])
        theirs.error("Error handling %s", failure, exc_info=failure)
        theirs.error(failure)
        try:
            raise failure
        except Exception:  # noqa: BLE001 - any of them
            ours.exception("here")
            theirs.exception("there")

    written = capsys.readouterr().err
    assert SECRET not in written
    assert written.count("raised") >= 4  # the function, in each of the tracebacks
    assert type(error).__qualname__ in written


def test_the_codes_of_the_database_are_logged() -> None:
    assert exception_text.describe(LEAKY[0]) == "pymongo.errors.BulkWriteError [code 65, write error 388]"
    assert exception_text.describe(LEAKY[3]) == "pymongo.errors.OperationFailure [code Unauthorized]"


def test_texts_that_are_known_to_be_safe_are_logged() -> None:
    assert (
        exception_text.describe(driver.AutoReconnect("h:1: closed"))
        == "pymongo.errors.AutoReconnect: h:1: closed"
    )
    assert exception_text.describe(Unavailable()).endswith(": The database did not answer in time.")
    assert exception_text.describe(ConnectionRefusedError(111, "refused")).endswith("[Errno 111] refused")


def test_a_traceback_reads_as_pythons_own() -> None:
    rendered = exception_text.render(raised(ValueError(SECRET), "as a cause"))

    first, second = rendered.split(
        "\nThe above exception was the direct cause of the following exception:\n\n"
    )
    assert first.startswith("Traceback (most recent call last):\n  File ")
    assert first.endswith("\nValueError\n")
    assert second.endswith("\nRuntimeError\n")


def test_a_cyclic_chain_of_exceptions_ends() -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one

    assert exception_text.render(one).count("Error\n") == 2


def test_an_uncaught_exception_in_a_greenlet_is_logged_without_its_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "print_exception", hub.print_exception)

    with logging_in("json"):
        log_uncaught_exceptions(hub)
        gevent.spawn(raised_in_greenlet).join()

    written = capsys.readouterr().err
    assert SECRET not in written
    assert "uncaught exception" in written
    assert "raised_in_greenlet" in written


def raised_in_greenlet() -> None:
    raise ValueError(SECRET)


def test_uncaught_exceptions_are_logged_without_their_texts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)

    def fail() -> None:
        raise ValueError(SECRET)

    error = raised(ValueError(SECRET), "alone")
    with logging_in("json"):
        logs.log_uncaught()
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        sys.excepthook(type(error), error, error.__traceback__)

    written = capsys.readouterr().err
    assert SECRET not in written
    assert written.count("uncaught exception") == 2
