"""The service in real processes: its start, its end, its reload, and what it says."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.running import (
    PATIENCE,
    Service,
    comes_true,
    environment,
    free_port,
    kill_servers,
    run,
    servers_of,
    serving,
    stop,
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path: pytest's own may be too long for a socket."""
    made = Path(tempfile.mkdtemp(prefix="tm-"))
    yield made
    kill_servers(made)
    shutil.rmtree(made)


@contextmanager
def asking(service: Service, path: str) -> Iterator[Counter[object]]:
    """Clients that ask for a path all the time, each request on a new connection: what they got."""
    answers: Counter[object] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                answers[service.call("GET", path)[0]] += 1
            except (OSError, http.client.HTTPException) as error:
                answers[repr(error)] += 1

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        over.set()
        for client in clients:
            client.join(PATIENCE)


# --- start


def test_from_an_empty_folder_to_a_task_by_pasting_and_again_after_a_restart(place: Path) -> None:
    with serving(place) as service:
        (line,) = re.findall(r"^ *(curl .*)$", service.out, re.MULTILINE)
        pasted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE)
        users = run(service.settings, "users", "list", "--json")
        service.signal(signal.SIGTERM)
        status = service.ends()

    assert pasted.stdout, pasted.stderr + service.err
    assert json.loads(pasted.stdout)["title"] == "My first task"
    assert [(user["username"], user["role"]) for user in users.json] == [("admin", "admin")]
    assert status == 0
    assert servers_of(place) == []

    with serving(place) as again:
        assert "taskmgr tokens create --user admin" in again.out
        assert "curl" not in again.out
        assert again.titles() == ["My first task"]


def test_a_port_in_use_is_refused_in_a_line_before_anything_is_started(place: Path) -> None:
    with http_port_taken() as port:
        refused = run({"DATA_DIR": str(place / "data")}, "serve", "--bind", f"127.0.0.1:{port}")

    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        f"127.0.0.1:{port} is in use by another program: "
        "choose another address with --bind or TASKMGR_BIND.\n"
    )
    assert not (place / "data").exists()


@contextmanager
def http_port_taken() -> Iterator[int]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.mark.parametrize("bind", ["192.0.2.1:80", "no-such-host.invalid:80"])
def test_an_address_of_another_machine_is_refused_in_a_line(place: Path, bind: str) -> None:
    refused = run({"DATA_DIR": str(place / "data"), "BIND": bind}, "serve")

    assert refused.status == 1
    assert refused.err.startswith(f"{bind} is no address of this machine: ")
    assert refused.err.count("\n") == 1


def test_all_mistakes_in_the_settings_are_named_at_the_start(place: Path) -> None:
    refused = run(
        {"DATA_DIR": str(place / "data"), "BIND": "nowhere", "WORKERS": "0", "COLOUR": "x"}, "serve"
    )

    assert (refused.status, refused.out) == (1, "")
    named = [line.split(":")[0] for line in refused.err.splitlines()[1:]]
    assert named == ["TASKMGR_BIND", "TASKMGR_COLOUR", "TASKMGR_WORKERS"]


def test_a_start_can_be_called_off(place: Path) -> None:
    service = Service(place)
    try:
        assert comes_true(lambda: servers_of(place) or service.has_ended)
        service.signal(signal.SIGTERM)
        status = service.ends()
    finally:
        left = servers_of(place)
        stop(service)

    assert (status, service.out, service.err, left) == (0, "", "", [])
