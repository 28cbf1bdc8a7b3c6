"""The client of docs/sync.md keeps a copy that equals the database, whatever happens to the service."""

from __future__ import annotations

import os
import random
import runpy
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.running import ROOT, Clients, Service, kill_database_servers, serving, wait_until

pytestmark = pytest.mark.slow


def new_copy(service: Service) -> Any:
    """Returns an empty copy of the example's class."""
    example = runpy.run_path(str(ROOT / "docs/examples/full_copy.py"))
    return example["Copy"](f"http://127.0.0.1:{service.port}", service.token)


class Keeper:
    """The example's copy, kept up to date in a thread until the end of the block."""

    def __init__(self, service: Service) -> None:
        self.copy = new_copy(service)
        self._stopped = Event()
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with suppress(OSError):
                self.copy.follow(wait=1)

    def __enter__(self) -> Any:
        self._thread.start()
        return self.copy

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()


def random_command(service: Service, number: int) -> int:
    """Sends a random command and returns the status of the answer."""
    chosen = random.Random(number)
    path = "/api/v1/tasks"
    page = service.call("GET", f"{path}?limit=50&bin={chosen.choice(['false', 'false', 'true'])}")[1]
    if not page.get("items") or chosen.random() < 0.3:
        return service.call("POST", path, {"title": f"Task {number}", "labels": [f"l{number % 7}"]})[0]
    task = chosen.choice(page["items"])
    own = f"{path}/{task['id']}"
    if task["deleted_at"]:
        return service.call("POST", f"{own}/restore")[0]
    commands: list[tuple[str, str, Any]] = [
        ("PATCH", own, {"title": f"Title {number}", "description": "x" * (number % 50)}),
        ("PATCH", own, {"due_date": f"2027-01-{number % 28 + 1:02}", "priority": "high"}),
        ("PUT", f"{own}/assignee", {"assignee_id": chosen.choice(["me", None])}),
        ("PUT", f"{own}/status", {"status": chosen.choice(["in_progress", "completed", "todo"])}),
        ("PUT", f"{own}/rank", {"first": True}),
        ("DELETE", own, None),
    ]
    method, place, body = chosen.choice(commands)
    return service.call(method, place, body)[0]


def everything(service: Service) -> dict[str, Any]:
    """Returns all tasks as the API shows them now."""
    other = new_copy(service)
    other.read_everything()
    return dict(other.tasks)


def assert_copy_becomes_equal(service: Service, copy: Any) -> None:
    assert wait_until(lambda: service.call("GET", "/readyz")[0] == 200)
    expected = everything(service)
    assert wait_until(lambda: copy.tasks == expected, seconds=40)
    assert len(expected) > 20


def test_a_copy_equals_the_database_through_kills_restarts_and_a_restored_backup(place: Path) -> None:
    with serving(place, WORKERS="2") as service:
        port, token = service.port, service.token
        with Keeper(service) as copy:
            with Clients(lambda n: random_command(service, n), number=3) as clients:
                for turn in range(6):
                    wait_until(lambda: False, seconds=1.5)
                    if turn % 3 == 2:
                        kill_database_servers(place)
                    else:
                        os.kill([service.background(), service.workers[0]][turn % 3], signal.SIGKILL)
                wait_until(lambda: False, seconds=3)
            assert_copy_becomes_equal(service, copy)
            assert {200, 201} <= set(clients.answers)
            before = copy.position
        service.signal(signal.SIGTERM)
        assert service.ends() == 0
    shutil.copytree(place / "data", place / "backup")

    address = ("--bind", f"127.0.0.1:{port}")
    with serving(place, *address, WORKERS="1") as service:
        service.token = token
        with Keeper(service) as copy:
            for number in range(10_000, 10_030):
                random_command(service, number)
            assert_copy_becomes_equal(service, copy)
            after = copy.position
            assert after != before
        service.signal(signal.SIGTERM)
        assert service.ends() == 0
    shutil.rmtree(place / "data")
    (place / "backup").rename(place / "data")

    with serving(place, *address, WORKERS="1") as service:
        service.token = token
        assert service.call("GET", f"/api/v1/changes?since={before}")[0] == 200
        assert service.call("GET", f"/api/v1/changes?since={after}")[0] == 410
        keeper = Keeper(service)
        keeper.copy.tasks, keeper.copy.position = copy.tasks, after
        with keeper as restored:
            for number in range(20_000, 20_030):
                random_command(service, number)
            assert_copy_becomes_equal(service, restored)
