"""Tells an exception without what was stored or sent: its type, its codes, and where it was raised.

The text of an exception may hold whole documents: the driver's write errors quote them, validators quote
values, and a duplicate key is part of the message. So an exception's own text is shown only where it is
known to hold nothing of the kind. This module imports nothing outside the standard library, and looks at
the driver's errors without importing them, so that every program can use it from its first line on.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

# Types (not their subclasses) whose texts name hosts, files, modules and attributes alone.
_SAFE_TYPES = frozenset(
    {
        *(f"taskmgr.domain.model.errors.{name}" for name in ("CannotStart", "Closed", "Unavailable")),
        *(f"pymongo.errors.{name}" for name in (
            "AutoReconnect", "ConnectionFailure", "InvalidOperation", "NetworkTimeout",
            "ServerSelectionTimeoutError", "WaitQueueTimeoutError",
        )),
        *(f"builtins.{name}" for name in (
            "AttributeError", "BrokenPipeError", "ConnectionAbortedError", "ConnectionRefusedError",
            "ConnectionResetError", "FileNotFoundError", "ImportError", "MemoryError",
            "ModuleNotFoundError", "NameError", "NotImplementedError", "OSError", "PermissionError",
            "RecursionError", "TimeoutError",
        )),
        "ssl.SSLError",
        "ssl.SSLCertVerificationError",
        "gunicorn.errors.HaltServer",
    }
)  # fmt: skip
# Codes of the server whose messages are about the server alone: authentication failed, illegal operation,
# not the primary any more, shutting down. https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
_SAFE_CODES = frozenset({18, 20, 91, 189, 10107, 11600, 13435, 13436})
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def describe(error: BaseException | None) -> str:
    """Returns one line: the type, the database's codes, and the text where it is known to be safe."""
    if error is None:
        return "None"
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    codes = ", ".join(_codes(error))
    text = _safe_text(error, kind)
    described = kind.removeprefix("builtins.") + (f" [{codes}]" if codes else "")
    return f"{described}: {text}" if text else described


def render(error: BaseException) -> str:
    """Returns what Python would print of the exception and its causes, with `describe` in place of texts."""
    return "".join(_parts(error, set()))


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    context = None if error.__suppress_context__ else error.__context__
    earlier, between = (error.__cause__, _CAUSE) if error.__cause__ else (context, _CONTEXT)
    if earlier is not None and id(earlier) not in seen:
        yield from _parts(earlier, seen)
        yield between
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    yield describe(error) + "\n"
    for inner in getattr(error, "exceptions", ()):  # of a group
        if isinstance(inner, BaseException) and id(inner) not in seen:
            yield from _parts(inner, seen)


def _safe_text(error: BaseException, kind: str) -> str:
    if kind in _SAFE_TYPES:
        return str(error)
    if kind.startswith("pymongo.errors.") and getattr(error, "code", None) in _SAFE_CODES:
        return str(_details(error).get("errmsg", ""))
    return ""


def _codes(error: BaseException) -> Iterator[str]:
    """Yields the codes of the database, by name where it names them, and those of its write errors."""
    details = _details(error)
    own = details.get("codeName", getattr(error, "code", None))
    if type(error).__module__.partition(".")[0] == "pymongo" and isinstance(own, int | str):
        yield f"code {own}"
    writes = details.get("writeErrors", ())
    codes = {write.get("code") for write in writes if isinstance(write, dict)}
    yield from (f"write error {code}" for code in sorted(code for code in codes if isinstance(code, int)))


def _details(error: BaseException) -> dict[str, Any]:
    details = getattr(error, "details", None)
    return details if isinstance(details, dict) else {}
