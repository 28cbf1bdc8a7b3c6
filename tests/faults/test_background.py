"""The background process beside the workers: started again when it dies, and alone on its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from taskmgr.background.process import LEASE_NAME
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from tests.feeds import assert_feed_is_the_log
from tests.running import COMMAND, environment, is_running, serving, wait_until

TASKS = "/api/v1/tasks"


@contextmanager
def database_in(place: Path) -> Iterator[Any]:
    """The embedded database of a running service."""
    with MongoClient(EmbeddedDatabase(place / "data").uri, tz_aware=True) as client:
        yield client["taskmgr"]


def test_every_change_gets_its_number_although_the_process_is_killed(place: Path) -> None:
    with serving(place) as service, database_in(place) as database:
        for _ in range(5):
            killed = service.background()
            service.call("POST", TASKS, {"title": "Before the kill"})
            os.kill(killed, signal.SIGKILL)
            service.call("POST", TASKS, {"title": "After the kill"})
            service.background(after=killed)
        assert wait_until(lambda: _lag(database) == 0)

        assert_feed_is_the_log(database)
        assert "the background process has ended and is started again" in service.err


def test_the_process_ends_with_its_master(place: Path) -> None:
    with serving(place) as service:
        background = service.background()
        service.process.kill()

        assert wait_until(lambda: not is_running(background))


def test_the_process_is_replaced_at_a_reload_and_ends_with_the_service(place: Path) -> None:
    with serving(place) as service:
        first = service.background()
        service.signal(signal.SIGHUP)
        second = service.background(after=first)
        service.signal(signal.SIGTERM)
        assert service.ends() == 0

        assert not is_running(second)
        assert "is started again" not in service.err


def test_the_command_works_when_no_service_does(place: Path) -> None:
    with serving(place) as service, database_in(place) as database:
        with subprocess.Popen([COMMAND, "background"], env=environment(service.settings)) as waiting:
            service.call("POST", TASKS, {"title": "By the service"})
            assert wait_until(lambda: _lag(database) == 0)
            background, holder = service.background(), _holder(database)
            os.kill(service.process.pid, signal.SIGSTOP)  # so that it starts no other one
            os.kill(background, signal.SIGTERM)  # it releases the lease
            assert wait_until(lambda: _holder(database) != holder)
            service.call("POST", TASKS, {"title": "By the command"})

            assert wait_until(lambda: _lag(database) == 0)
            os.kill(service.process.pid, signal.SIGCONT)
            waiting.terminate()
            assert waiting.wait(timeout=30) == 0
        assert_feed_is_the_log(database)


def _lag(database: Any) -> int:
    return int(database["activity"].count_documents({}) - database["feed"].count_documents({}))


def _holder(database: Any) -> str:
    return str(database["leases"].find_one({"_id": LEASE_NAME})["holder"])
