"""Starts the servers, each in a process of its own with one worker: taskmgr, and its peers in .venv-bench."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymongo.monitoring
from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database

from benchmarks import data
from benchmarks.calls import LIST, Server
from benchmarks.load import child_named
from taskmgr.bootstrap import build_services
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.server.background_child import PROCESS_NAME

ROOT = Path(__file__).parents[1]
DATABASE = "taskmgr"
OURS = "taskmgr"
_START_TIMEOUT = 120.0  # seconds
# Checks if a child has exited, and leaves its status for `Popen.wait`.
_WAIT_OPTIONS = os.WEXITED | os.WNOHANG | os.WNOWAIT
_PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
# The same settings as in taskmgr/server/application.py.
_GUNICORN = ("-m", "gunicorn", "--workers", "1", "--worker-class", "gevent", "--keep-alive", "5",
             "--worker-connections", "8192", "--worker-tmp-dir", "/dev/shm",  # noqa: S108
             "--no-control-socket", "--log-level", "warning", "--bind")  # fmt: skip
_UVICORN = ("-m", "uvicorn", "benchmarks.peers.modern:app", "--workers", "1", "--no-access-log",
            "--log-level", "warning", "--port")  # fmt: skip
PEERS: dict[str, str] = {
    "floor": "pymongo + orjson alone",
    "framework": "the same in Flask",
    "modern": "FastAPI + Beanie",
}


@dataclass(frozen=True)
class MongoServer:
    """A running MongoDB, and the folder that contains its data."""

    folder: Path
    uri: str

    @property
    def pid(self) -> int:
        """Returns the process id of the database server."""
        return int((self.folder / "db" / "mongod.lock").read_text())

    @contextmanager
    def database(self) -> Iterator[Database[Any]]:
        """Connects without a deadline, since building indexes over a million tasks takes minutes."""
        client: MongoClient[Any] = MongoClient(self.uri, tz_aware=True, uuidRepresentation="standard")
        with client:
            yield client[DATABASE]


@contextmanager
def mongodb(folder: Path) -> Iterator[MongoServer]:
    """Runs the service's own embedded MongoDB in this folder."""
    with EmbeddedDatabase(folder) as uri:
        yield MongoServer(folder, uri)


@contextmanager
def filled_mongodb(folder: Path, tasks: int) -> Iterator[MongoServer]:
    """Runs a MongoDB with so many tasks in a subfolder, and fills it unless an earlier run has done so."""
    with mongodb(folder / str(tasks)) as mongo:
        began = time.monotonic()
        with mongo.database() as database:
            if database["tasks"].estimated_document_count() < tasks:
                data.fill(database, tasks)
        print(f"{tasks:,} tasks are ready after {time.monotonic() - began:.0f} s", flush=True)
        yield mongo


@contextmanager
def our_server(mongo: MongoServer) -> Iterator[Server]:
    """Runs `taskmgr serve` with every feature on, and a rate limit too high to be reached."""
    port = _free_port()
    settings = {
        "TASKMGR_DATA_DIR": str(mongo.folder),
        "TASKMGR_RATE_LIMIT": "1000000",
        "TASKMGR_LOG_FORMAT": "json",
    }
    command = [str(Path(sys.executable).with_name("taskmgr")), "serve", "--workers", "1"]
    with _run_process(OURS, [*command, "--bind", f"127.0.0.1:{port}"], settings, mongo) as pid:
        server = _wait_until_ready(Server(name=OURS, port=port, pid=pid, token=create_token(mongo)))
        yield replace(server, background=child_named(PROCESS_NAME, pid))


@contextmanager
def peer_server(name: str, mongo: MongoServer, index: int) -> Iterator[Server]:
    """Runs one of `PEERS`, which looks tokens up as taskmgr does.

    `index` is its position among the servers, see `Server.index`.
    """
    port = _free_port()
    settings = peer_settings(mongo.uri, DATABASE, mongo.folder)
    if name == "modern":
        command = [*_UVICORN, str(port)]
    else:
        command = [*_GUNICORN, f"127.0.0.1:{port}", f"benchmarks.peers.{name}:app"]
    with _run_process(name, [str(_PEERS_PYTHON), *command], settings, mongo) as pid:
        yield _wait_until_ready(Server(name=name, port=port, pid=pid, token=create_token(mongo), index=index))


def peer_settings(uri: str, database: str, folder: Path) -> dict[str, str]:
    """Returns the environment variables of a peer. The pipeline that they name is written into the folder."""
    pipeline = folder / "users_pipeline.json"
    pipeline.write_text(json_util.dumps(_users_pipeline(uri, database)))
    return {
        "BENCH_MONGODB_URI": uri,
        "BENCH_DATABASE": database,
        "BENCH_USERS_PIPELINE": str(pipeline),
    }


class _Recorder(pymongo.monitoring.CommandListener):
    """Records the aggregation pipelines that a client sends."""

    def __init__(self) -> None:
        self.pipelines: list[Any] = []

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if event.command_name == "aggregate":
            self.pipelines.append(event.command["pipeline"])

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        """Does nothing."""

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        """Does nothing."""


def _users_pipeline(uri: str, database: str) -> Any:
    """Returns the pipeline that taskmgr sends for a page of users with tasks; the floor sends the same."""
    recorder = _Recorder()
    client: MongoClient[Any] = MongoClient(uri, tz_aware=True, event_listeners=[recorder])
    with client:
        services = build_services(mongo_store(client[database]))
        services.users.list_with_tasks(PageRequest(limit=20), tasks_limit=20, by=services.system("benchmark"))
    (pipeline,) = recorder.pipelines
    return pipeline


def create_token(mongo: MongoServer) -> str:
    with mongo.database() as database:
        services = build_services(mongo_store(database))
        by = services.system("benchmark")
        admin = services.users.get_by_username("admin", by=by)
        return services.tokens.create(user_id=admin.id, name="benchmark", by=by).text


@contextmanager
def _run_process(
    name: str, command: list[str], settings: dict[str, str], mongo: MongoServer
) -> Iterator[int]:
    """Runs a command with its output in a log file, and returns its process id."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TASKMGR_")}
    log = mongo.folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env={**inherited, **settings}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process.pid
    except Exception as error:
        error.add_note(f"The last lines of {name}'s log:\n{log.read_text()[-2000:]}")
        raise
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def _wait_until_ready(server: Server) -> Server:
    """Waits until the server responds, and returns it. Raises if it exits or exceeds the timeout."""
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            status, _, body = server.fetch(LIST)
        except OSError:
            if time.monotonic() > deadline or os.waitid(os.P_PID, server.pid, _WAIT_OPTIONS):
                raise
            time.sleep(0.1)
            continue
        if status != 200:
            raise RuntimeError(f"{server.name} responded to {LIST} with {status}: {body}")
        return server


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])
