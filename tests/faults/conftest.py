"""A folder with a short path, an embedded database in it, and a server that fails."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from tests.faults.servers import kill_server


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path: pytest's own may be too long for a socket."""
    made = Path(tempfile.mkdtemp(prefix="tm-")).resolve()
    yield made
    kill_server(made)
    shutil.rmtree(made)


@pytest.fixture
def folder(place: Path) -> Path:
    return place / "data"


@pytest.fixture
def database(folder: Path) -> Iterator[EmbeddedDatabase]:
    made = EmbeddedDatabase(folder, cache_gib=0.25)
    yield made
    kill_server(folder)
    made.leave()


@pytest.fixture
def broken(place: Path) -> Path:
    """A program in the server's place that fails without a word."""
    program = place / "mongod"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o700)
    return program
