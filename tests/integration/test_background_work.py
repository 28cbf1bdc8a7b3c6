"""The background work goes on after errors, follows the feed, and ends when it has to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, cast

import pytest
import structlog.testing
from pymongo.database import Database
from pymongo.errors import OperationFailure

from taskmgr.background.work import BackgroundWork, Growth
from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from taskmgr.infrastructure.mongo.lease import Lease
from tests.running import PATIENCE, wait_until

PAUSE = 2 * PATIENCE  # seconds between the steps of a job; no test waits for so long


@dataclass
class Following:
    """A sequencer that only waits, after it has failed with these errors; `runs` counts its starts."""

    errors: list[Exception] = field(default_factory=list)
    name: str = "sequencer"
    runs: int = 0
    ended: int = 0

    def run(self, stop: Event) -> None:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        stop.wait()
        self.ended += 1


@dataclass
class Counting:
    """A job that counts its steps and is due again after a minute; it may fail at first."""

    errors: list[Exception] = field(default_factory=list)
    name: str = "counting"
    steps: int = 0
    closed: int = 0

    def close(self) -> None:
        self.closed += 1

    def step(self) -> float:
        self.steps += 1
        if self.errors:
            raise self.errors.pop(0)
        return PAUSE


Working = Callable[..., Any]


@pytest.fixture
def working(database: Database[Any]) -> Working:
    """Runs the work in a thread until the end of the block, where it has to stop in time."""

    @contextmanager
    def working(
        *jobs: Counting, sequencer: Following | None = None, growth: Growth | None = None
    ) -> Iterator[None]:
        work = BackgroundWork(
            sequencer=cast("Sequencer", sequencer or Following()),
            jobs=jobs,
            lease=Lease(database, "tests"),
            growth=growth or Growth(),
        )
        stop = Event()
        thread = threading.Thread(target=work.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE)
        assert not thread.is_alive()

    return working


def test_a_job_that_fails_goes_on_after_a_pause(working: Working) -> None:
    job = Counting(errors=[ValueError("once"), Unavailable()])
    with structlog.testing.capture_logs() as lines, working(job):
        began_at = time.monotonic()
        assert wait_until(lambda: job.steps == 3)
        assert time.monotonic() - began_at > 1.5

    assert [(line["event"], line["job"]) for line in lines] == [
        ("a job has failed and is tried again", "counting"),
        ("the database does not answer", "counting"),
    ]


def test_a_job_is_woken_when_the_feed_grows(working: Working) -> None:
    job, growth = Counting(), Growth()
    with working(job, growth=growth):
        assert wait_until(lambda: job.steps == 1)
        growth.notify()
        assert wait_until(lambda: job.steps == 2)


def test_a_job_is_closed_after_its_last_step(working: Working) -> None:
    job = Counting()
    with working(job):
        assert wait_until(lambda: job.steps == 1)
        assert job.closed == 0

    assert job.closed == 1


def test_growth_during_a_step_is_not_missed() -> None:
    growth = Growth()
    before = growth.count
    growth.notify()

    began_at = time.monotonic()
    growth.wait(before, PAUSE)

    assert time.monotonic() - began_at < PATIENCE


def test_a_job_that_fails_holds_up_no_other(working: Working) -> None:
    failing, other, growth = Counting(errors=[ValueError("again")] * 1_000), Counting(), Growth()
    with structlog.testing.capture_logs(), working(failing, other, growth=growth):
        for count in range(1, 4):
            assert wait_until(lambda count=count: other.steps == count)  # type: ignore[misc]
            growth.notify()


def test_a_missing_right_is_named_without_a_traceback(working: Working) -> None:
    refused = OperationFailure("not authorized on taskmgr to execute command { aggregate", 13)
    sequencer = Following(errors=[refused])
    with structlog.testing.capture_logs() as lines, working(sequencer=sequencer):
        assert wait_until(lambda: sequencer.runs == 2)

    (line,) = lines
    assert line["event"] == "the database user lacks a right"
    assert line["reason"] == "not authorized on taskmgr"
    assert "readWrite" in line["fix"]
    assert "exc_info" not in line


@pytest.mark.slow
def test_the_work_ends_when_another_process_has_taken_the_lease(
    working: Working, database: Database[Any]
) -> None:
    sequencer, job = Following(), Counting()
    with structlog.testing.capture_logs() as lines, working(job, sequencer=sequencer):
        assert wait_until(lambda: sequencer.runs == 1)
        database["leases"].update_one({"_id": "tests"}, {"$set": {"holder": "another"}})

        assert wait_until(lambda: sequencer.ended == 1, seconds=15)
        assert wait_until(lambda: len(lines) == 1)
    assert lines[0]["event"] == "another process has taken over"
