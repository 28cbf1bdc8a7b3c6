"""Node's tools, installed once into `build/node` from the lock file.

They are missing where there is no Node or no registry. That is said aloud, and is a failure in CI.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from tests.running import ROOT

OLDEST_NODE = 20
PLACE = ROOT / "build" / "node"
_GIVEN = Path(__file__).with_name("npm")
_PATIENCE = 300.0  # seconds, for 300 packages on a slow line


class Missing(Exception):
    """Something that the tools need is missing; the text says what."""


def install() -> Path:
    """Installs the tools unless they are there, and returns their folder. Raises `Missing`."""
    _require_node()
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for the workers of pytest-xdist
        stamp = PLACE / "installed"
        wanted = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(_GIVEN.iterdir()))).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            for outdated in (stamp, PLACE / "pleased.json"):
                outdated.unlink(missing_ok=True)
            shutil.copytree(_GIVEN, PLACE, dirs_exist_ok=True)
            _install()
            stamp.write_text(wanted)
    return PLACE


def _require_node() -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Missing(f"Node is missing: install Node {OLDEST_NODE} or later, with npm.")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        raise Missing(f"Node is too old: {version}, and {OLDEST_NODE} or later is needed.")


def _install() -> None:
    done = subprocess.run(
        ["npm", "ci", "--prefer-offline"], cwd=PLACE, capture_output=True, text=True, timeout=_PATIENCE
    )
    if done.returncode:
        raise Missing(f"The npm registry is missing, or npm failed:\n{done.stderr.strip()[-1_000:]}")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs one of the tools to its end, which it says on standard output and standard error."""
    program, *arguments = map(str, words)
    path = PLACE / "node_modules" / ".bin" / program
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}
    return subprocess.run(
        [path, *arguments],
        cwd=PLACE,
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
    )
