"""Describes exceptions without stored or sent data: by type, error codes, and where they were raised.

The text of an exception may contain whole documents: the driver's write errors and duplicate key errors
quote them, and validators quote values. Only texts that are known to contain no data are shown; a new kind
of exception is added to `_SAFE_TYPES` once its text has been checked (docs/decisions/0014). This module
imports only the standard library, so that importing it costs no time and cannot fail.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

# Types, not including subclasses, whose texts contain only hosts, files, modules and attributes.
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
# Error codes whose messages are only about the server: authentication failed, illegal operation, not primary,
# shutting down. https://github.com/mongodb/mongo/blob/v6.0/src/mongo/base/error_codes.yml
_SAFE_CODES = frozenset({18, 20, 91, 189, 10107, 11600, 13435, 13436})
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def describe(error: BaseException | None) -> str:
    """Returns one line: the type, the database's error codes, and the text if it is known to be safe."""
    if error is None:
        return "None"
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    codes = ", ".join(_codes(error))
    text = _safe_text(error, kind)
    description = kind.removeprefix("builtins.") + (f" [{codes}]" if codes else "")
    return f"{description}: {text}" if text else description


def render(error: BaseException) -> str:
    """Returns the traceback that Python would print, causes included, with `describe` for each text."""
    return "".join(_parts(error, set()))


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    context = None if error.__suppress_context__ else error.__context__
    earlier, separator = (error.__cause__, _CAUSE) if error.__cause__ else (context, _CONTEXT)
    if earlier is not None and id(earlier) not in seen:
        yield from _parts(earlier, seen)
        yield separator
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    yield describe(error) + "\n"
    for inner in getattr(error, "exceptions", ()):  # the members of an exception group
        if isinstance(inner, BaseException) and id(inner) not in seen:
            yield from _parts(inner, seen)


def _safe_text(error: BaseException, kind: str) -> str:
    if kind in _SAFE_TYPES:
        return str(error)
    if kind.startswith("pymongo.errors.") and getattr(error, "code", None) in _SAFE_CODES:
        return str(_details(error).get("errmsg", ""))
    return ""


def _codes(error: BaseException) -> Iterator[str]:
    """Yields the database's error code, by name if there is one, and the codes of its write errors."""
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
