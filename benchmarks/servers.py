"""The servers, each a process of its own with one worker: ours, and the peers in .venv-bench."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo.monitoring
from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database

from benchmarks import data
from benchmarks.calls import LIST, Server
from taskmgr.bootstrap import build_services
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.store import mongo_store

ROOT = Path(__file__).parents[1]
DATABASE = "taskmgr"
OURS = "taskmgr"
_PATIENCE = 120.0  # seconds until a server answers
_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT  # whether a child has ended, and leave it there
_PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
# The same settings as in taskmgr/server/application.py.
_GUNICORN = ("-m", "gunicorn", "--workers", "1", "--worker-class", "gevent", "--keep-alive", "5",
             "--worker-connections", "8192", "--worker-tmp-dir", "/dev/shm",  # noqa: S108
             "--no-control-socket", "--log-level", "warning", "--bind")  # fmt: skip
_UVICORN = ("-m", "uvicorn", "benchmarks.peers.modern:app", "--workers", "1", "--no-access-log",
            "--log-level", "warning", "--port")  # fmt: skip
PEERS: dict[str, str] = {
    "floor": "pymongo + orjson alone",
    "textbook": "Flask + MongoEngine + marshmallow",
    "modern": "FastAPI + Beanie",
}


@dataclass(frozen=True)
class Place:
    """A folder with a running MongoDB in it."""

    folder: Path
    uri: str

    @property
    def mongod(self) -> int:
        """The database server's process."""
        return int((self.folder / "db" / "mongod.lock").read_text())

    @contextmanager
    def database(self) -> Iterator[Database[Any]]:
        """For what is done once: without a deadline, since indexes over a million tasks take minutes."""
        client: MongoClient[Any] = MongoClient(self.uri, tz_aware=True, uuidRepresentation="standard")
        with client:
            yield client[DATABASE]


@contextmanager
def mongodb(folder: Path) -> Iterator[Place]:
    """The service's own embedded MongoDB in this folder."""
    with EmbeddedDatabase(folder) as uri:
        yield Place(folder, uri)


@contextmanager
def filled(folder: Path, tasks: int) -> Iterator[Place]:
    """A MongoDB with so many tasks, in a folder of this one; filled now, or in an earlier run."""
    with mongodb(folder / str(tasks)) as place:
        began = time.monotonic()
        with place.database() as database:
            if database["tasks"].estimated_document_count() < tasks:
                data.fill(database, tasks)
        print(f"{tasks:,} tasks are there after {time.monotonic() - began:.0f} s", flush=True)
        yield place


@contextmanager
def ours(place: Place) -> Iterator[Server]:
    """`taskmgr serve` with everything on. Its limit is out of reach, but it counts."""
    port = _free_port()
    settings = {
        "TASKMGR_DATA_DIR": str(place.folder),
        "TASKMGR_RATE_LIMIT": "1000000",
        "TASKMGR_LOG_FORMAT": "json",
    }
    command = [str(Path(sys.executable).with_name("taskmgr")), "serve", "--workers", "1"]
    with _running(OURS, [*command, "--bind", f"127.0.0.1:{port}"], settings, place) as pid:
        yield _answering(Server(name=OURS, port=port, pid=pid, token=_token(place)))


@contextmanager
def peer(name: str, place: Place, number: int) -> Iterator[Server]:
    """One of `PEERS`; `number` is its place among the servers."""
    port = _free_port()
    pipeline = place.folder / "users_pipeline.json"
    pipeline.write_text(json_util.dumps(users_pipeline(place)))
    settings = {
        "BENCH_MONGODB_URI": place.uri,
        "BENCH_DATABASE": DATABASE,
        "BENCH_USERS_PIPELINE": str(pipeline),
    }
    if name == "modern":
        command = [*_UVICORN, str(port)]
    else:
        command = [*_GUNICORN, f"127.0.0.1:{port}", f"benchmarks.peers.{name}:app"]
    with _running(name, [str(_PEERS_PYTHON), *command], settings, place) as pid:
        yield _answering(Server(name=name, port=port, pid=pid, place=number))


class _Recorder(pymongo.monitoring.CommandListener):
    """The pipelines that are sent while it listens."""

    def __init__(self) -> None:
        self.pipelines: list[Any] = []

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if event.command_name == "aggregate":
            self.pipelines.append(event.command["pipeline"])

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        """Nothing to note."""

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        """Nothing to note."""


def users_pipeline(place: Place) -> Any:
    """What ours asks of the database for a page of users with tasks: the floor asks the very same."""
    recorder = _Recorder()
    client: MongoClient[Any] = MongoClient(place.uri, tz_aware=True, event_listeners=[recorder])
    with client:
        services = build_services(mongo_store(client[DATABASE]))
        services.users.list_with_tasks(PageRequest(limit=20), tasks_limit=20, by=services.system("benchmark"))
    (pipeline,) = recorder.pipelines
    return pipeline


def _token(place: Place) -> str:
    with place.database() as database:
        services = build_services(mongo_store(database))
        by = services.system("benchmark")
        admin = services.users.get_by_username("admin", by=by)
        return services.tokens.create(user_id=admin.id, name="benchmark", by=by).text


@contextmanager
def _running(name: str, command: list[str], settings: dict[str, str], place: Place) -> Iterator[int]:
    """The process; whatever it has to say goes to a file, as a service's log does."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TASKMGR_")}
    log = place.folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env={**inherited, **settings}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process.pid
    except Exception as error:
        error.add_note(f"The end of {name}'s log:\n{log.read_text()[-2000:]}")
        raise
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def _answering(server: Server) -> Server:
    """The server once it answers; it may have ended instead, or never come up."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            status, _, body = server.fetch(LIST)
        except OSError:
            if time.monotonic() > deadline or os.waitid(os.P_PID, server.pid, _LOOK):
                raise
            time.sleep(0.1)
            continue
        if status != 200:
            raise RuntimeError(f"{server.name} answers {status}: {body}")
        return server


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])
