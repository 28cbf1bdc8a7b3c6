"""Embedded databases to do harm to: processes that use one, and a look at its server from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from tests.running import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]
NOBODY = 65534

# What a user's process does: it enters, says so, and leaves when it is told to.
USER = """
import sys
from pathlib import Path
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
database = EmbeddedDatabase(Path(sys.argv[1]), cache_gib=0.25)
print(database.enter(), flush=True)
sys.stdin.readline()
database.leave()
print("left", flush=True)
"""

# A master that has entered forks a worker, which tries to leave; each says a line, in one piece.
MASTER = r"""
import os, sys
from pathlib import Path
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
database = EmbeddedDatabase(Path(sys.argv[1]), cache_gib=0.25)
database.enter()
worker = os.fork()
if worker == 0:
    database.leave()
    os.write(1, b"the worker has left\n")
    sys.stdin.readline()
    os._exit(0)
os.write(1, b"%d\n" % worker)
os.waitpid(worker, 0)
database.leave()
"""

# A master's greenlet that watches the server goes on in its workers: gevent copies it at the fork.
WATCHING_MASTER = """
import os, sys
from pathlib import Path
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
database = EmbeddedDatabase(Path(sys.argv[1]), cache_gib=0.25)
print(database.enter(), flush=True)
sys.stdin.readline()
worker = os.fork()
if worker == 0:
    os._exit(database.ensure_running())
print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), int(database.ensure_running()), flush=True)
"""


class Process:
    """Another process with one of the scripts above, on one data folder."""

    def __init__(self, script: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hears(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def is_told_to_go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def leave(self) -> None:
        self._process.communicate("\n", timeout=PATIENCE)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.communicate()


def client(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=int(PATIENCE * 1000))


def write(uri: str, number: int) -> None:
    """One write that is acknowledged as kept."""
    with client(uri) as connection:
        kept = connection.test.numbers.with_options(write_concern=WriteConcern("majority", j=True))
        kept.insert_one({"_id": number})


def numbers(uri: str) -> list[int]:
    with client(uri) as connection:
        return sorted(found["_id"] for found in connection.test.numbers.find())


def servers(folder: Path) -> list[int]:
    """The process ids of the servers that run on something in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            ours = any(word.startswith(os.fsencode(folder)) for word in command[1:])
            if ours and command[0].endswith(b"mongod"):
                found.append(int(process.name))
    return sorted(found)


def is_dead(server: int) -> bool:
    """Whether it is gone, or a zombie without threads: their files and sockets outlive the first."""
    process = Path(f"/proc/{server}")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list((process / "task").iterdir())) == 1
    except OSError:
        return True


def kill_server(folder: Path) -> None:
    killed = servers(folder)
    for server in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
    assert wait_until(lambda: all(is_dead(server) for server in killed))


def address(uri: str) -> Path:
    """The socket that is named in a connection string."""
    return Path(unquote(uri.removeprefix("mongodb://").partition("/?")[0]))


def refusal(folder: Path, **settings: Any) -> str:
    with pytest.raises(CannotStart) as caught:
        EmbeddedDatabase(folder, **settings).enter()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def open_files(server: int) -> set[str]:
    names = set()
    for entry in Path(f"/proc/{server}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names.add(str(entry.readlink()))
    return names


def sockets_of(server: int) -> set[str]:
    """The inodes of its open sockets."""
    return {name[8:-1] for name in open_files(server) if name.startswith("socket:[")}


Running = tuple[Path, EmbeddedDatabase, int]
