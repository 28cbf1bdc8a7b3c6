"""Webhooks of a running service: nothing is lost, whatever dies and however often the receiver fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from taskmgr.domain.model.clock import utc_now
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from tests.running import ROOT, free_port, serving, wait_until

KILLS, TASKS_EACH = 3, 40


@contextmanager
def receiving(port: int, secret: str, log: Path) -> Iterator[None]:
    """Runs the receiver until the end of the block."""
    log.touch()
    program = [sys.executable, "-m", "tests.faults.receiver", str(port), secret, str(log)]
    process = subprocess.Popen(program, cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def let_time_pass(database: Any) -> None:
    """Makes the deliveries due that wait for their next attempt; those that are claimed keep their lease."""
    waiting = {"state": "pending", "claim": {"$exists": False}, "next_at": {"$gt": utc_now()}}
    database["deliveries"].update_many(waiting, {"$set": {"next_at": utc_now()}})


def answers(log: Path) -> list[tuple[str, str]]:
    return [(line.split()[0], line.split()[1]) for line in log.read_text().splitlines()]


@pytest.mark.slow
def test_every_change_reaches_a_receiver_that_often_fails_although_the_process_is_killed(place: Path) -> None:
    port, log = free_port(), place / "received"
    permitted = {"OUTGOING_NETWORKS": "127.0.0.1", "OUTGOING_PORTS": str(port)}
    with (
        serving(place, **permitted) as service,
        MongoClient(EmbeddedDatabase(place / "data").uri, tz_aware=True) as client,
    ):
        database = client["taskmgr"]
        body = {"url": f"http://127.0.0.1:{port}/", "kinds": ["task.*"]}
        status, webhook = service.call("POST", "/api/v1/webhooks", body)
        assert status == 201, webhook
        with receiving(port, webhook["secret"], log):
            for _ in range(KILLS):
                for number in range(TASKS_EACH):
                    service.create(f"{number}")
                killed = service.background()
                os.kill(killed, signal.SIGKILL)
                service.background(after=killed)

            def all_delivered() -> bool:
                let_time_pass(database)
                states = Counter(row["state"] for row in database["deliveries"].find())
                return states == {"delivered": KILLS * TASKS_EACH}

            assert wait_until(all_delivered, seconds=180)
            received = answers(log)
            expected = {
                f"{webhook['id']}:{place['_id']}"
                for place in database["feed"].find()
                if database["activity"].find_one({"_id": place["entry"]})["kind"] == "task.created"
            }
        _, shown = service.call("GET", f"/api/v1/webhooks/{webhook['id']}/deliveries?limit=200")

    assert {message for message, status in received if status == "200"} == expected
    assert len(expected) == KILLS * TASKS_EACH
    assert {delivery["state"] for delivery in shown["items"]} == {"delivered"}
    assert 0.15 < sum(status == "500" for _, status in received) / len(received) < 0.45
    # Sent again although it had been accepted: at most what was on its way when the process was killed.
    accepted = Counter(message for message, status in received if status == "200")
    assert sum(accepted.values()) - len(accepted) <= 4 * KILLS
