"""The files in which processes that have ended leave their metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from taskmgr.metrics.folder import forget_process
from taskmgr.metrics.listener import ProcessesCollector


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
