"""All workers serve one policy: the one that the master read at the start or at the last reload."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_serve_ends import HalfARequest
from tests.running import Service, run, serving, wait_until

POLICY = "[limits]\nwip = {}\n"


@contextmanager
def alone(service: Service, worker: int) -> Iterator[None]:
    """Lets only this worker answer; the others are paused."""
    others = [other for other in service.workers if other != worker]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def answer_of(service: Service, worker: int) -> tuple[int, str]:
    """The limit in the workflow that this worker serves, and the content's part of its ETag of the tasks.

    The other part stands for the last write to the database, and the background process writes, too.
    """
    with alone(service, worker):
        status, workflow = service.call("GET", "/api/v1/workflow")
        assert status == 200, workflow
        return workflow["limits"]["wip"], service.ask("GET", "/api/v1/tasks")[1]["ETag"].partition(".")[2]


def replace_a_worker(service: Service) -> None:
    """Kills one worker and waits for another in its place."""
    killed = service.workers[0]
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: killed not in service.workers and len(service.workers) == 2)


def reload(service: Service) -> None:
    """Sends SIGHUP and waits for two new workers."""
    before = set(service.workers)
    service.signal(signal.SIGHUP)
    assert wait_until(lambda: len(service.workers) == 2 and not before & set(service.workers))


@pytest.fixture
def policy(place: Path) -> Path:
    file = place / "policy.toml"
    file.write_text(POLICY.format(5))
    return file


@pytest.mark.parametrize("edited", [POLICY.format("'many'"), "not toml", None])
def test_a_worker_that_dies_after_an_unusable_edit_is_replaced_under_the_old_policy(
    place: Path, policy: Path, edited: str | None
) -> None:
    with serving(place, POLICY=str(policy)) as service:
        if edited is None:
            policy.unlink()
        else:
            policy.write_text(edited)
        service.signal(signal.SIGHUP)
        assert wait_until(lambda: "not reloaded" in service.err)
        replace_a_worker(service)

        answers = {answer_of(service, worker) for worker in service.workers}

        assert not service.has_ended
        assert [limit for limit, _ in answers] == [5]


def test_an_edit_takes_effect_at_sighup_alone_and_then_in_every_worker(place: Path, policy: Path) -> None:
    with serving(place, POLICY=str(policy)) as service:
        service.create("A task")
        before = {answer_of(service, worker) for worker in service.workers}

        policy.write_text(POLICY.format(7))
        replace_a_worker(service)
        unannounced = {answer_of(service, worker) for worker in service.workers}

        reload(service)
        replace_a_worker(service)
        after = {answer_of(service, worker) for worker in service.workers}

    assert len(before) == len(after) == 1
    assert unannounced == before
    (old,), (new,) = before, after
    assert (old[0], new[0]) == (5, 7)
    assert old[1] != new[1]


def test_every_worker_keeps_the_environment_and_the_key_of_the_start(place: Path) -> None:
    with serving(place, TIMEZONE="Europe/Berlin") as service:
        for title in ("One", "Two"):
            service.create(title)
        cursor = service.call("GET", "/api/v1/tasks?limit=1")[1]["next"]
        (place / "data" / "secret_key").write_text("another key, which has 32 characters")
        replace_a_worker(service)

        found: list[Any] = []
        for worker in service.workers:
            with alone(service, worker):
                page = service.call("GET", f"/api/v1/tasks?limit=1&cursor={cursor}")
                found.append((page[0], service.call("GET", "/api/v1/stats")[1]["time_zone"]))

    assert found == [(200, "Europe/Berlin")] * 2


# --- a status that goes away while it is being used

WORKFLOW = """
[workflow]
initial = "new"
statuses.new = {{ category = "unstarted", leads_to = {to} }}
statuses.solved = {{ category = "completed" }}
statuses.rejected = {{ category = "cancelled" }}
"""
OLD = WORKFLOW.format(to='["solved", "rejected", "triage"]') + (
    'statuses.triage = { category = "unstarted", leads_to = ["new"] }\n'
)
NEW = WORKFLOW.format(to='["solved", "rejected"]')
LOST = "stored tasks may have statuses that are not in the policy"


def test_a_task_that_an_old_worker_moves_during_a_reload_is_logged_and_fails_no_list(
    place: Path, policy: Path
) -> None:
    policy.write_text(OLD)
    with serving(place, POLICY=str(policy)) as service:
        slow = HalfARequest(service, "Late", status="triage")
        assert service.call("GET", "/readyz")[0] == 200
        old = set(service.workers)
        policy.write_text(NEW)
        service.signal(signal.SIGHUP)
        assert wait_until(lambda: len(set(service.workers) - old) == 2)
        moved = slow.status_of_the_rest()
        assert wait_until(lambda: not old & set(service.workers) and LOST in service.err)

        status, page = service.call("GET", "/api/v1/tasks")
        mapped = run(service.settings, "db", "map-status", "triage", "new")
        after = service.call("GET", "/api/v1/tasks")[1]

    assert (moved, status, mapped.status) == (201, 200, 0)
    assert [(task["status"], task["category"]) for task in page["items"]] == [("triage", None)]
    assert [(task["status"], task["category"]) for task in after["items"]] == [("new", "unstarted")]
    assert "triage (1 task)" in service.err


def test_a_reload_during_which_nothing_is_moved_logs_no_lost_status(place: Path, policy: Path) -> None:
    policy.write_text(OLD)
    with serving(place, POLICY=str(policy)) as service:
        policy.write_text(NEW)
        reload(service)
        replace_a_worker(service)

        assert service.call("GET", "/readyz")[0] == 200
    assert "reloaded" in service.err
    assert LOST not in service.err
