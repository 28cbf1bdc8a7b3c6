"""Runs the `taskmgr` command and the service as users do, and sends requests to the service."""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from unittest import mock

from taskmgr.cli import main
from taskmgr.server.background_child import PROCESS_NAME

ROOT = Path(__file__).parents[1]
COMMAND = str(Path(sys.executable).with_name("taskmgr"))
# Seconds; long enough for a start with database recovery on a busy machine.
PATIENCE = 60.0

Settings = Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(settings: Settings) -> dict[str, str]:
    """Returns this process's environment with these TASKMGR_… settings instead of its own.

    There are no metrics by default, because services at the same time could not all have their address.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith("TASKMGR_")}
    ours = {f"TASKMGR_{name}": value for name, value in {"METRICS_BIND": "", **settings}.items()}
    return {**others, "PYTHONPATH": str(ROOT), **ours}


def run_here(settings: Settings, *words: str) -> Outcome:
    """Runs `taskmgr …` inside this process, which is faster than starting another one."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(settings), clear=True),
        mock.patch.object(sys, "argv", ["taskmgr", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return Outcome(status, out.getvalue(), err.getvalue())


def run(settings: Settings, *words: str) -> Outcome:
    """Runs `taskmgr …` in a process of its own."""
    completed = subprocess.run(
        [COMMAND, *words], env=environment(settings), capture_output=True, text=True, timeout=PATIENCE
    )
    return Outcome(completed.returncode, completed.stdout, completed.stderr)


def wait_until(condition: Callable[[], object], *, seconds: float = PATIENCE) -> bool:
    """Waits until the condition holds, and returns False if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def free_port() -> int:
    """Returns a port that nobody listens on.

    Linux assigns only ports from 32768 on by itself, so a lower port is still free a moment later. The
    port comes from `secrets`, because Hypothesis seeds `random` identically in every process.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def database_servers_in(folder: Path) -> list[int]:
    """Returns the process ids of the database servers that use this folder."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"mongod") and any(w.startswith(os.fsencode(folder)) for w in words[1:]):
                pids.append(int(process.name))
    return sorted(pids)


def kill_database_servers(folder: Path) -> None:
    """Kills the database servers that use this folder, and waits until they have exited."""
    killed = database_servers_in(folder)
    for server in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
    assert wait_until(lambda: not set(killed) & set(database_servers_in(folder)))


def is_running(process: int) -> bool:
    """Returns True if the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Service:
    """`taskmgr serve` in a process of its own, on a free port, with its data in a folder of the test."""

    def __init__(self, place: Path, *words: str, **settings: str) -> None:
        self.place = place
        self.settings = {"DATA_DIR": str(place / "data"), "RATE_LIMIT": "0", **settings}
        self._out, self._err = place / "out", place / "err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [COMMAND, "serve", *(words or ("--bind", "127.0.0.1:0"))],
                env=environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.token = ""

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_until_up(self) -> Self:
        """Waits until the service reports that it is ready, and sets `token` to an admin's token."""
        assert wait_until(lambda: "tokens create" in self.out or "curl" in self.out or self.has_ended)
        assert not self.has_ended, self.err
        assert self.call("GET", "/healthz")[0] == 200
        shown = re.search(r"Its token, shown only once: (\S+)", self.out)
        self.token = (
            shown[1] if shown else run(self.settings, "tokens", "create", "--user", "admin").out.strip()
        )
        return self

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def port(self) -> int:
        match = re.search(r"http://127\.0\.0\.1:(\d+)", self.out)
        assert match, self.out + self.err
        return int(match[1])

    @property
    def workers(self) -> list[int]:
        return [child for child, name in self._children if name != PROCESS_NAME]

    def background(self, *, after: int | None = None) -> int:
        """Waits for the background process, or for the one that comes after this id, and returns its id."""
        found: list[int] = []

        def is_there() -> bool:
            found[:] = [child for child, name in self._children if name == PROCESS_NAME and child != after]
            return bool(found)

        assert wait_until(is_there)
        return found[0]

    @property
    def _children(self) -> list[tuple[int, str]]:
        """The id and the name of each child of the master."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        names = {}
        for child in map(int, children.split()):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                names[child] = Path(f"/proc/{child}/comm").read_text().strip()
        return list(names.items())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self, *, seconds: float = 30) -> int:
        """Waits until the service has ended, and returns its exit status."""
        return self.process.wait(timeout=seconds)

    def call(
        self, method: str, path: str, body: object = None, *, seconds: float = PATIENCE
    ) -> tuple[int, Any]:
        """Sends a request on a new connection; returns the status and the decoded JSON body."""
        status, _, content = self.ask(method, path, body, seconds=seconds)
        return status, content

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        seconds: float = PATIENCE,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """Sends a request on a new connection; returns the status, the headers and the decoded JSON body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        default_headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {**default_headers, **(headers or {})})
            response = connection.getresponse()
            content = response.read()
        return response.status, response.headers, json.loads(content) if content else None

    def create(self, title: str) -> str:
        """Creates a task and returns its id."""
        status, task = self.call("POST", "/api/v1/tasks", {"title": title})
        assert status == 201, task
        return str(task["id"])

    def titles(self) -> list[str]:
        """Returns the titles of all tasks, oldest first."""
        status, page = self.call("GET", "/api/v1/tasks?limit=200&sort=created_at")
        assert status == 200, page
        return [task["title"] for task in page["items"]]


@contextlib.contextmanager
def serving(place: Path, *words: str, **settings: str) -> Iterator[Service]:
    """Starts a service and waits until it is ready; kills it at the end if it still runs."""
    service = Service(place, *words, **settings)
    try:
        yield service.wait_until_up()
    finally:
        stop(service)


def stop(service: Service) -> None:
    """Kills all processes of the service, in whatever state a test has left it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.process.pid, signal.SIGKILL)
    service.process.wait()
    kill_database_servers(service.place)


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Yields a temporary folder whose path is short enough for a socket; pytest's own may be too long."""
    folder = Path(tempfile.mkdtemp(prefix="tm-"))
    try:
        yield folder
    finally:
        kill_database_servers(folder)
        shutil.rmtree(folder)


class Clients:
    """Threads that send requests until the end of the block; `answers` counts the results by value.

    Each pauses after a request, since otherwise what the test waits for gets little of the processors.
    """

    def __init__(self, call: Callable[[int], object], *, number: int = 4) -> None:
        self.answers: Counter[object] = Counter()
        self._call = call
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send_requests, args=(n,)) for n in range(number)]

    def _send_requests(self, number: int) -> None:
        for turn in itertools.count():
            if self._stopped.is_set():
                return
            try:
                answer = self._call(number * 1_000_000 + turn)
            except (OSError, http.client.HTTPException) as error:
                answer = repr(error)
                time.sleep(0.05)
            self.answers[answer] += 1
            time.sleep(0.01)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(PATIENCE)
