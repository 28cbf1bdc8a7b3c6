"""Runs the sequencer and the jobs, each in a thread of its own, while this process holds the lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition, Event, Thread

import structlog
from pymongo.errors import OperationFailure

from taskmgr.background.jobs import Job
from taskmgr.domain.model.errors import Unavailable
from taskmgr.infrastructure.mongo.client import first_line
from taskmgr.infrastructure.mongo.feed.sequencer import Sequencer
from taskmgr.infrastructure.mongo.lease import LEASE_SECONDS, RENEWAL_SECONDS, Lease

# Seconds between two attempts to take the lease that another process holds.
_ATTEMPT_SECONDS = 3.0
_PAUSE_AFTER_ERROR = 1.0  # seconds
_UNAUTHORIZED = 13  # the server's code
_MAX_STOP = 10.0  # seconds that the jobs may take for the step in progress and for closing

_log = structlog.get_logger("taskmgr.background")


class Growth:
    """Wakes the jobs when the feed has grown."""

    def __init__(self) -> None:
        self._changed = Condition()
        self.count = 0

    def notify(self) -> None:
        """Wakes all that wait."""
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, count: int, seconds: float) -> None:
        """Waits, but not longer than this, until there are more notifications than `count`."""
        with self._changed:
            if self.count == count:
                self._changed.wait(seconds)


@dataclass(frozen=True, kw_only=True)
class BackgroundWork:
    """The work of one background process. The sequencer notifies `growth` of its appends."""

    sequencer: Sequencer
    jobs: Sequence[Job]
    lease: Lease
    growth: Growth = field(default_factory=Growth)

    def run(self, stop: Event) -> None:
        """Works while this process holds the lease, and waits for it otherwise, until `stop` is set."""
        while not stop.is_set():
            if self._acquire():
                self._work(stop)
            else:
                stop.wait(_ATTEMPT_SECONDS)

    def _work(self, stop: Event) -> None:
        """Works until `stop` is set or the lease is lost."""
        ended = Event()
        # Not waited for at the end: it spends its time waiting for the server, and can be killed anywhere.
        Thread(target=follow, args=(self.sequencer, ended), daemon=True).start()
        jobs = [Thread(target=self._run_job, args=(job, ended), daemon=True) for job in self.jobs]
        for thread in jobs:
            thread.start()
        try:
            self._keep_lease(stop)
        finally:
            ended.set()
            self.growth.notify()
            deadline = time.monotonic() + _MAX_STOP
            for thread in jobs:
                thread.join(max(0.0, deadline - time.monotonic()))
        if stop.is_set():
            _quietly(self.lease.release)

    def _keep_lease(self, stop: Event) -> None:
        """Renews the lease until `stop` is set, or until another process has or may have taken it."""
        valid_until = time.monotonic() + LEASE_SECONDS
        while not stop.wait(RENEWAL_SECONDS):
            asked_at = time.monotonic()
            try:
                if not self.lease.acquire():
                    _log.warning("another process has taken over")
                    return
                valid_until = asked_at + LEASE_SECONDS
            except Unavailable:
                if time.monotonic() + RENEWAL_SECONDS > valid_until:
                    _log.warning("the lease cannot be renewed, so the work ends")
                    return

    def _acquire(self) -> bool:
        try:
            return self.lease.acquire()
        except Unavailable:
            return False

    def _run_job(self, job: Job, ended: Event) -> None:
        while not ended.is_set():
            count = self.growth.count
            try:
                seconds = job.step()
            except Exception as error:  # noqa: BLE001 - whatever it is, the job has to go on
                _report(job.name, error)
                ended.wait(_PAUSE_AFTER_ERROR)
            else:
                if seconds > 0 and not ended.is_set():
                    self.growth.wait(count, seconds)
        try:
            job.close()
        except Exception as error:  # noqa: BLE001 - as after a kill
            _report(job.name, error)


def follow(sequencer: Sequencer, ended: Event) -> None:
    """Runs a sequencer until `ended` is set, whatever fails."""
    while not ended.is_set():
        try:
            sequencer.run(ended)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sequencer has to go on
            if ended.is_set():  # its clients may be closed by now
                return
            _report(sequencer.name, error)
            ended.wait(_PAUSE_AFTER_ERROR)


def _report(name: str, error: Exception) -> None:
    if isinstance(error, Unavailable):
        _log.warning("the database does not answer", job=name)
    elif isinstance(error, OperationFailure) and error.code == _UNAUTHORIZED:
        # What follows is the command, which may contain stored data.
        reason = first_line(error).partition(" to execute command")[0]
        fix = "give the database user the role readWrite, which includes change streams"
        _log.error("the database user lacks a right", job=name, reason=reason, fix=fix)
    else:
        _log.error("a job has failed and is tried again", job=name, exc_info=error)


def _quietly(action: Callable[[], object]) -> None:
    try:
        action()
    except Unavailable:
        _log.warning("the lease could not be released")
