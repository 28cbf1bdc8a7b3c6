"""Backups and restores beside a running service, and killed at any moment.

`BACKUP_TASKS=200000 pytest tests/faults/test_backup.py -k many -s` saves and restores that many tasks, and
prints what it took.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.data import fill
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from taskmgr.infrastructure.mongo.client import open_database
from tests.running import COMMAND, Clients, Outcome, Settings, environment, run, serving, wait_until

MAX_MEMORY = 400  # MiB
KILLS = int(os.environ.get("BACKUP_KILLS", "3"))  # of each command


def start(settings: Settings, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [COMMAND, *words], env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def run_well(settings: Settings, *words: str) -> Outcome:
    outcome = run(settings, *words)
    assert outcome.status == 0, outcome.err + outcome.out
    return outcome


def test_a_service_goes_on_while_its_data_is_replaced_by_a_backup(place: Path) -> None:
    file = place / "saved"
    with serving(place) as service:
        service.create("Before")
        run_well(service.settings, "db", "backup", str(file))
        service.create("After")
        assert wait_until(lambda: service.call("GET", "/api/v1/feed/head")[1]["seq"] >= 4)
        status, page = service.call("GET", "/api/v1/changes")
        position = page["next"]

        def read(_: int) -> int:
            return service.call("GET", "/api/v1/tasks")[0]

        def write(number: int) -> tuple[int, float]:
            begun = time.monotonic()
            return service.call("POST", "/api/v1/tasks", {"title": f"Task {number}"})[0], begun

        with Clients(read, number=2) as readers, Clients(write, number=2) as writers:
            run_well(service.settings, "db", "restore", str(file), "--replace")
            restored_at = time.monotonic()
            assert wait_until(lambda: any(_is_after(answer, restored_at) for answer in list(writers.answers)))
        titles = service.titles()
        gone, problem = service.call("GET", f"/api/v1/changes?since={position}")

        assert status == 200
        assert readers.answers.keys() <= {200, 503}
        statuses = Counter(answer[0] for answer in writers.answers if isinstance(answer, tuple))
        assert statuses.keys() == {201, 503}
        assert "Before" in titles
        assert "After" not in titles
        acknowledged = [a for a in writers.answers if _is_after(a, restored_at)]
        assert len(titles) >= 1 + len(acknowledged)
        assert (gone, problem["code"]) == (410, "resync_required")
        assert wait_until(lambda: _waiting_for_feed(service.settings) == 0)
        run_well(service.settings, "doctor")


def _waiting_for_feed(settings: Settings) -> int:
    number: int = run_well(settings, "db", "status", "--json").json["waiting_for_feed"]
    return number


def _is_after(answer: object, moment: float) -> bool:
    return isinstance(answer, tuple) and answer[0] == 201 and answer[1] > moment


@pytest.mark.slow
def test_nothing_is_lost_if_backups_and_restores_are_killed(place: Path) -> None:
    """Whatever is killed: the last backup can be restored, and the data is the old or that of the backup."""
    settings = {"DATA_DIR": str(place / "data")}
    file = place / "saved"
    run_well(settings, "demo")
    run_well(settings, "db", "backup", str(file))
    run_well(settings, "users", "add", "later")
    endings = Counter[int]()
    with EmbeddedDatabase(place / "data", cache_gib=0.25):  # keeps the server running
        for words in (["backup", str(file)], ["restore", "--replace", str(file)]):
            duration = _seconds_of(settings, *words)
            for number in range(KILLS):
                process = start(settings, "db", *words)
                time.sleep(duration * (number + 1) / KILLS)
                process.send_signal(signal.SIGKILL)
                process.communicate()
                endings[process.returncode] += 1
                run_well(settings, "db", "verify", str(file))
                run_well(settings, "db", "migrate")
        run_well(settings, "doctor")
    assert endings[-signal.SIGKILL] >= 2


def _seconds_of(settings: Settings, *words: str) -> float:
    begun = time.monotonic()
    run_well(settings, "db", *words)
    return time.monotonic() - begun


@pytest.mark.slow
def test_many_tasks_are_saved_and_restored_in_little_memory(place: Path) -> None:
    tasks = int(os.environ.get("BACKUP_TASKS", "2000"))
    settings, another = ({"DATA_DIR": str(place / name)} for name in ("data", "another"))
    file = place / "saved"
    with EmbeddedDatabase(place / "data", cache_gib=0.25) as uri:
        database = open_database(uri, "taskmgr")
        with database.client:
            fill(database, tasks)
        _measure(settings, "backup", file)
    print(f"{tasks:,} tasks: {file.stat().st_size / 2**20:.1f} MiB")
    _measure(settings, "verify", file)
    _measure(another, "restore", file)
    assert run_well(another, "db", "status", "--json").json["tasks"] == tasks


def _measure(settings: Settings, command: str, file: Path) -> None:
    """Runs a command, prints the time and the memory that it took, and checks the memory."""
    begun = time.monotonic()
    words = [COMMAND, "db", command, str(file)]
    memory = 0.0
    with subprocess.Popen(words, env=environment(settings)) as process:
        while process.poll() is None:
            memory = max(memory, _most_memory(process.pid))
            time.sleep(0.05)
    seconds = time.monotonic() - begun
    print(f"{command}: {seconds:.1f} s, {memory:.0f} MiB")
    assert process.returncode == 0
    assert 0 < memory < MAX_MEMORY


def _most_memory(process: int) -> float:
    """The most memory in MiB that a process has had. The usage that `wait4` returns includes the parent's."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0
