"""The table of faults."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pymongo.errors import PyMongoError

from tests.faults.table.load import Load
from tests.faults.table.proxy import Proxy
from tests.faults.table.stages import Stage
from tests.running import PATIENCE, is_running, kill_database_servers, wait_until

# Seconds. Documented are 10 for a 503; /healthz needs no database.
_MAX_REFUSAL, _MAX_HEALTH = 13.0, 3.0
_LATE, _SILENT = 2.5, 60.0  # seconds that the database's answers wait
_STEP_DOWNS = 5
_BALLAST = 2**20  # bytes that are written at a time


@dataclass(frozen=True)
class Fault:
    """Something that may happen to a stage while a load is on.

    `times` is how often it happens in `make test-faults`; in the test suite, it happens once if it is
    `quick`. `kills` is the number of processes that are killed each time.
    """

    name: str
    stage: str
    strike: Callable[[Stage, Load], None]
    times: int
    kills: int = 0
    quick: bool = True


def kill_worker(stage: Stage, _: Load) -> None:
    killed = stage.service.workers[0]
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: killed not in stage.service.workers and len(stage.service.workers) == 2)


def kill_master(stage: Stage, _: Load) -> None:
    stage.service.signal(signal.SIGKILL)
    stage.service.process.wait()
    stage.restart()


def kill_background(stage: Stage, _: Load) -> None:
    killed = stage.service.background()
    os.kill(killed, signal.SIGKILL)
    stage.service.background(after=killed)


def kill_embedded_database(stage: Stage, _: Load) -> None:
    kill_database_servers(stage.service.place)


def kill_everything(stage: Stage, _: Load) -> None:
    os.killpg(stage.service.process.pid, signal.SIGKILL)
    kill_database_servers(stage.service.place)
    stage.service.process.wait()
    stage.restart()


def terminate(stage: Stage, _: Load) -> None:
    stage.service.signal(signal.SIGTERM)
    assert stage.service.ends() == 0
    stage.restart()


def reload(stage: Stage, load: Load) -> None:
    old, failures = stage.service.workers, load.failures
    stage.service.signal(signal.SIGHUP)
    assert wait_until(lambda: not any(map(is_running, old)))
    assert load.failures == failures, f"{load.failures - failures} requests failed during a reload"


def kill_primary(stage: Stage, load: Load) -> None:
    _kill_member(stage, load, stage.primary())


def kill_secondary(stage: Stage, load: Load) -> None:
    _kill_member(stage, load, stage.secondary())


def _kill_member(stage: Stage, load: Load, port: int) -> None:
    stage.three.kill(port)
    assert load.has_written(), "no writes without one member"
    stage.three.run(port)
    _wait_for_members(stage)


def pause_primary(stage: Stage, load: Load) -> None:
    _pause_member(stage, load, stage.primary())


def pause_secondary(stage: Stage, load: Load) -> None:
    _pause_member(stage, load, stage.secondary())


def _pause_member(stage: Stage, load: Load, port: int) -> None:
    server = stage.three.servers[port]
    server.send_signal(signal.SIGSTOP)
    try:
        assert load.has_written(), "no writes while one member is paused"
    finally:
        server.send_signal(signal.SIGCONT)
    _wait_for_members(stage)


def step_down(stage: Stage, load: Load) -> None:
    for _ in range(_STEP_DOWNS):
        # The driver reports the connections that the server closes, or that no secondary has caught up.
        with stage.three.client(stage.primary()) as client, suppress(PyMongoError):
            client.admin.command("replSetStepDown", 2, secondaryCatchUpPeriodSecs=1)
        assert load.has_written(), "no writes after a step-down"


def _wait_for_members(stage: Stage) -> None:
    """Waits until all three members have everything."""
    database = stage.database.client["tests"]
    assert wait_until(lambda: stage.three.is_complete(database)), "a member does not catch up"


def slow_down(stage: Stage, load: Load) -> None:
    _delay(stage, load, _LATE)


def silence(stage: Stage, load: Load) -> None:
    _delay(stage, load, _SILENT)
    assert load.answers["503"], "no request was refused"


def _delay(stage: Stage, load: Load, seconds: float) -> None:
    """Delays the database's answers until several requests have met their deadline."""
    proxy, answered = _proxy(stage), load.answers.total()
    load.slowest = 0.0
    proxy.delay = seconds
    try:
        assert wait_until(lambda: load.answers.total() >= answered + 8)
        _assert_unready(stage)
    finally:
        proxy.delay = 0.0
    assert load.slowest <= _MAX_REFUSAL, f"an answer took {load.slowest:.1f} s"


def lose_answers_to_commits(stage: Stage, load: Load) -> None:
    """Lets the database go away between a commit and its answer, until a create is struck and repeated."""
    proxy, replayed = _proxy(stage), load.replayed
    for _ in range(10):
        refused = load.answers["503"]
        proxy.lose_next_commit()
        try:
            assert proxy.lost.wait(30)
            assert wait_until(lambda n=refused: load.answers["503"] > n)  # type: ignore[misc]
            _assert_unready(stage)
        finally:
            proxy.heal()
        assert load.has_written(), "no writes after the database was away"
        if load.replayed > replayed:
            return
    raise AssertionError("no create was repeated whose first attempt had been executed")


def fill_disk(stage: Stage, load: Load) -> None:
    assert stage.disk is not None
    ballast, refused = stage.disk / "ballast", load.answers["503"]
    try:
        _fill(ballast, lambda: load.answers["503"] > refused + 4)
        _assert_unready(stage)
    finally:
        ballast.unlink()
    assert load.has_written(), "no writes although there is room again"


def _fill(ballast: Path, is_enough: Callable[[], bool]) -> None:
    """Takes all space that is left, also what is freed meanwhile."""
    deadline = time.monotonic() + PATIENCE
    with ballast.open("ab", buffering=0) as file:
        while not is_enough():
            assert time.monotonic() < deadline, "no write was refused although the disk is full"
            try:
                file.write(bytes(_BALLAST))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                time.sleep(0.02)


def _assert_unready(stage: Stage) -> None:
    """The service is alive, but not ready, and says so in time."""
    for path, expected in (("/healthz", 200), ("/readyz", 503)):
        begun = time.monotonic()
        status, _ = stage.address.call("GET", path)
        seconds = time.monotonic() - begun
        assert status == expected, f"{path}: {status}"
        assert seconds <= _MAX_HEALTH, f"{path} took {seconds:.1f} s"


def _proxy(stage: Stage) -> Proxy:
    assert stage.proxy is not None
    return stage.proxy


FAULTS = (
    Fault("SIGKILL of a worker", "embedded", kill_worker, times=10, kills=1),
    Fault("SIGKILL of the master", "embedded", kill_master, times=5, kills=1),
    Fault("SIGKILL of the background process", "embedded", kill_background, times=8, kills=1),
    Fault("SIGKILL of mongod", "embedded", kill_embedded_database, times=10, kills=1),
    Fault("SIGKILL of all processes at once", "embedded", kill_everything, times=3, kills=5, quick=False),
    Fault("SIGTERM", "embedded", terminate, times=3),
    Fault("SIGHUP", "embedded", reload, times=4),
    Fault("SIGKILL of a worker", "three members", kill_worker, times=5, kills=1, quick=False),
    Fault("SIGKILL of the master", "three members", kill_master, times=3, kills=1, quick=False),
    Fault(
        "SIGKILL of the background process", "three members", kill_background, times=4, kills=1, quick=False
    ),
    Fault("SIGKILL of the primary", "three members", kill_primary, times=8, kills=1),
    Fault("SIGKILL of a secondary", "three members", kill_secondary, times=6, kills=1),
    Fault("SIGSTOP and SIGCONT of the primary", "three members", pause_primary, times=4),
    Fault("SIGSTOP and SIGCONT of a secondary", "three members", pause_secondary, times=4),
    Fault("five step-downs of the primary", "three members", step_down, times=2, quick=False),
    Fault("SIGTERM", "three members", terminate, times=2, quick=False),
    Fault("SIGHUP", "three members", reload, times=2, quick=False),
    Fault("answers of the database 2.5 s late", "behind a proxy", slow_down, times=3, quick=False),
    Fault("no answers of the database", "behind a proxy", silence, times=3, quick=False),
    Fault("answer to a commit lost", "behind a proxy", lose_answers_to_commits, times=4),
    Fault("disk full", "small disk", fill_disk, times=3),
)
