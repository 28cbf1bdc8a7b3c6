"""The service's start, in real processes, as those see it who run and call it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

from tests.running import (
    PATIENCE,
    Service,
    database_servers_in,
    free_port,
    run,
    serving,
    stop,
    wait_until,
)


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
    assert (status, database_servers_in(place)) == (0, [])

    with serving(place) as again:
        assert "taskmgr tokens create --user admin" in again.out
        assert "curl" not in again.out
        assert again.titles() == ["My first task"]


def test_a_port_in_use_is_refused_in_a_line_before_anything_is_started(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = run({"DATA_DIR": str(place / "data")}, "serve", "--bind", bind)

    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        f"{bind} is in use by another program: choose another address with --bind or TASKMGR_BIND.\n"
    )
    assert not (place / "data").exists()


def test_an_address_of_another_machine_is_refused_in_a_line(place: Path) -> None:
    refused = run({"DATA_DIR": str(place / "data"), "BIND": "192.0.2.1:80"}, "serve")

    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert refused.err.startswith("192.0.2.1:80 is not an address of this machine: ")


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
        assert wait_until(lambda: database_servers_in(place) or service.has_ended)
        service.signal(signal.SIGTERM)
        status = service.ends()
        left = database_servers_in(place)
    finally:
        stop(service)

    assert (status, service.out, service.err, left) == (0, "", "", [])


def test_without_a_secret_key_nothing_is_done_to_a_database_elsewhere(place: Path) -> None:
    nowhere = f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=60000"

    refused = run({"DATA_DIR": str(place), "MONGODB_URI": nowhere}, "serve")

    assert (refused.status, refused.out) == (1, "")
    assert "TASKMGR_SECRET_KEY" in refused.err
