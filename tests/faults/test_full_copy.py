"""The client of docs/sync.md keeps a copy that equals the database, whatever happens to the service."""

from __future__ import annotations

import os
import random
import runpy
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.faults.team import COMMANDS, Team
from tests.running import ROOT, Clients, Service, kill_database_servers, serving, wait_until

pytestmark = pytest.mark.slow

# How many commands are executed while processes are killed; an hour of a busy team has 3,600.
_COMMANDS = int(os.environ.get("FULL_COPY_COMMANDS", "200"))


class Keeper:
    """The example's copy, kept up to date in a thread until the end of the block."""

    def __init__(self, service: Service) -> None:
        example = runpy.run_path(str(ROOT / "docs/examples/full_copy.py"))
        self.copy = example["Copy"](f"http://127.0.0.1:{service.port}", service.token)
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


def items(service: Service, path: str) -> Iterator[dict[str, Any]]:
    """Yields the items of all pages of a list."""
    cursor = ""
    while cursor is not None:
        status, page = service.call("GET", f"/api/v1/{path}&limit=200{cursor and '&cursor=' + cursor}")
        assert status == 200, page
        yield from page["items"]
        cursor = page["next"]


def shown(service: Service) -> dict[str, dict[str, Any]]:
    """Returns everything that the API shows, in the form of the copy."""
    live = list(items(service, "tasks?bin=false"))
    entities = {
        "task": [*live, *items(service, "tasks?bin=true")],
        "comment": [c for task in live for c in items(service, f"tasks/{task['id']}/comments?")],
        "project": list(items(service, "projects?")),
        "user": list(items(service, "users?")),
    }
    for task in entities["task"]:
        del task["category"]
    for project in entities["project"]:
        project["is_default"] = project.pop("default")
    return {kind: {entity["id"]: entity for entity in found} for kind, found in entities.items()}


def comparable(copy: Any) -> dict[str, dict[str, Any]]:
    """Returns the copy without what the API does not show."""
    tasks, users = copy.entities["task"], copy.entities["user"]
    comments = copy.entities["comment"].items()
    return {
        **copy.entities,
        "comment": {key: comment for key, comment in comments if not tasks[comment["task_id"]]["deleted_at"]},
        "user": {
            key: {n: v for n, v in user.items() if n != "password_set_at"} for key, user in users.items()
        },
    }


def assert_copy_becomes_equal(service: Service, copy: Any) -> None:
    assert wait_until(lambda: service.call("GET", "/readyz")[0] == 200)
    expected = shown(service)
    assert len(expected["task"]) > 20
    wait_until(lambda: comparable(copy) == expected)
    assert comparable(copy) == expected


def kill_something(service: Service, place: Path, chosen: random.Random) -> None:
    victim = chosen.choice(["worker", "background", "database"])
    if victim == "database":
        kill_database_servers(place)
    else:
        with suppress(ProcessLookupError):
            os.kill(service.background() if victim == "background" else service.workers[0], signal.SIGKILL)


def work_through_kills(service: Service, team: Team, place: Path) -> None:
    """Lets three people work until they have sent enough commands, while processes are killed."""
    chosen, pause = random.Random(1), 20 + _COMMANDS // 30
    with Clients(team.send, number=3):
        while sum(team.successes.values()) < _COMMANDS:
            kill_something(service, place, chosen)
            before = sum(team.successes.values())
            assert wait_until(lambda n=before: sum(team.successes.values()) > n + pause)  # type: ignore[misc]


def test_a_copy_equals_the_database_through_kills_restarts_and_a_restored_backup(place: Path) -> None:
    with serving(place, WORKERS="2") as service:
        port, token = service.port, service.token
        team = Team(service)
        for number in range(10):
            team.send_named("create", number)
        with Keeper(service) as copy:
            work_through_kills(service, team, place)
            assert_copy_becomes_equal(service, copy)
            before = copy.position
        service.signal(signal.SIGTERM)
        assert service.ends() == 0
    shutil.copytree(place / "data", place / "backup")

    address = ("--bind", f"127.0.0.1:{port}")
    with serving(place, *address, WORKERS="1") as service:
        service.token, team.service = token, service
        keeper = Keeper(service)
        keeper.copy.position, keeper.copy.entities = before, copy.entities
        with keeper as copy:
            for number in range(5_000_000, 5_000_060):
                team.send(number)
            assert_copy_becomes_equal(service, copy)
            after = copy.position
        service.signal(signal.SIGTERM)
        assert service.ends() == 0
    shutil.rmtree(place / "data")
    (place / "backup").rename(place / "data")

    with serving(place, *address, WORKERS="1") as service:
        service.token, team.service = token, service
        assert service.call("GET", f"/api/v1/changes?since={before}")[0] == 200
        assert service.call("GET", f"/api/v1/changes?since={after}")[0] == 410
        keeper = Keeper(service)
        keeper.copy.position, keeper.copy.entities = after, copy.entities
        with keeper as restored:
            for number in range(6_000_000, 6_000_060):
                team.send(number)
            assert_copy_becomes_equal(service, restored)
    assert len(team.successes) > len(COMMANDS) - 4
