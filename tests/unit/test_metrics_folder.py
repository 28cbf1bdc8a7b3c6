"""The files in which processes that have ended leave their metrics."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from taskmgr.metrics.folder import forget_process, metrics_folder
from taskmgr.metrics.listener import ProcessesCollector
from tests.running import environment, wait_until

# Prints the id of a child, which like a worker lives on for a moment when its parent is killed.
WITH_A_CHILD = """
import os, time
from taskmgr.metrics.folder import metrics_folder
with metrics_folder():
    child = os.fork()
    if child:
        print(child, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def count(folder: Path, kind: str, pid: int, name: str, value: float, **labels: str) -> None:
    """Writes a value as a process with this id does."""
    file = MmapedDict(str(folder / f"{kind}_{pid}.db"))
    names, values = list(labels), list(labels.values())
    file.write_value(mmap_key(name.removesuffix("_total"), name, names, values, "Help."), value, 0.0)
    file.close()


def values() -> dict[tuple[str, str], float]:
    """Returns what Prometheus gets, by name and label."""
    families = ProcessesCollector().collect()
    return {(s.name, "".join(s.labels.values())): s.value for family in families for s in family.samples}


def test_the_counters_of_ended_processes_are_added_up_in_one_file_each(folder: Path) -> None:
    for pid in (11, 12, 13):
        count(folder, "counter", pid, "requests_total", pid, status="200")
        count(folder, "histogram", pid, "seconds_bucket", 1, le="1.0")
    count(folder, "counter", 12, "requests_total", 5, status="503")
    before = values()

    for pid in (11, 12):
        forget_process(pid)

    assert values() == before
    assert before["requests_total", "200"] == 11 + 12 + 13
    assert sorted(file.name for file in folder.iterdir()) == [
        "counter_13.db", "counter_ended.db", "histogram_13.db", "histogram_ended.db",
    ]  # fmt: skip


def test_a_process_that_counted_nothing_leaves_nothing(folder: Path) -> None:
    forget_process(11)

    assert list(folder.iterdir()) == []


def test_a_process_that_has_just_created_its_file_does_not_hide_the_others(folder: Path) -> None:
    count(folder, "counter", 11, "requests_total", 3, status="200")
    (folder / "counter_12.db").touch()

    assert values() == {("requests_total", "200"): 3}


def test_the_empty_file_of_a_killed_process_is_removed(folder: Path) -> None:
    (folder / "counter_11.db").touch()

    forget_process(11)

    assert list(folder.iterdir()) == []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which processes create their folders."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # so that monkeypatch restores it
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def service(place: Path) -> Iterator[tuple[int, int]]:
    """The ids of a process that has a folder and of its child."""
    variables = {**environment({}), "TMPDIR": str(place)}
    with subprocess.Popen(
        [sys.executable, "-c", WITH_A_CHILD], env=variables, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        try:
            yield parent.pid, child
        finally:
            for pid in (parent.pid, child):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def folders_beside_a_new_one(place: Path) -> int:
    """Returns how many other folders there are once a process has created its own."""
    with metrics_folder():
        return len(list(place.iterdir())) - 1


def test_a_folder_is_removed_in_the_end(place: Path) -> None:
    assert folders_beside_a_new_one(place) == 0
    assert list(place.iterdir()) == []


def test_the_next_start_removes_the_folder_of_a_killed_process_and_its_children(
    place: Path, service: tuple[int, int]
) -> None:
    parent, child = service
    assert folders_beside_a_new_one(place) == 1
    os.kill(parent, signal.SIGKILL)
    assert folders_beside_a_new_one(place) == 1
    os.kill(child, signal.SIGKILL)
    assert wait_until(lambda: folders_beside_a_new_one(place) == 0)
