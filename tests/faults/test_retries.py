"""A retry with its key, after the service that answered first is gone: nothing is done twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import Service, database_servers_in, kill_database_servers, serving

# Each way in which something is made under a key, with the body to make it from.
REQUESTS: dict[str, tuple[str, Any]] = {
    "task": ("/api/v1/tasks", {"title": "Once"}),
    "bulk": ("/api/v1/tasks/bulk", {"operations": [{"op": "create", "title": "Once in a bulk"}]}),
    "comment": ("/api/v1/tasks/{task}/comments", {"text": "Once"}),
}
Answer = tuple[int, Any, str | None, str | None]


def end(service: Service) -> None:
    service.signal(signal.SIGTERM)
    assert (service.ends(), database_servers_in(service.place)) == (0, [])


def kill(service: Service) -> None:
    """The master, the workers and the database, in one go and without a word."""
    os.killpg(service.process.pid, signal.SIGKILL)
    kill_database_servers(service.place)
    service.process.wait()


def asked(service: Service, task: str) -> tuple[dict[str, Answer], set[str | None]]:
    """Each answer as far as a retry must have it again, and what the answers say of being replayed."""
    answers: dict[str, Answer] = {}
    replayed = set()
    for name, (path, body) in REQUESTS.items():
        key = {"Idempotency-Key": f"key of {name}"}
        status, headers, read = service.ask("POST", path.format(task=task), body, headers=key)
        answers[name] = status, read, headers.get("Location"), headers.get("ETag")
        replayed.add(headers.get("Idempotent-Replayed"))
    return answers, replayed


@pytest.mark.parametrize("go", [end, kill], ids=["ended", "killed"])
def test_after_a_restart_a_retry_gets_the_first_answer(place: Path, go: Callable[[Service], None]) -> None:
    with serving(place) as service:
        token, task = service.token, service.create("Commented on")
        first, fresh = asked(service, task)
        go(service)

    with serving(place) as again:
        again.token = token
        second, replayed = asked(again, task)
        titles = again.titles()
        comments = again.call("GET", f"/api/v1/tasks/{task}/comments")[1]["items"]

    assert [status for status, *_ in first.values()] == [201, 200, 201]
    assert (second, fresh, replayed) == (first, {None}, {"true"})
    assert sorted(titles) == ["Commented on", "Once", "Once in a bulk"]
    assert len(comments) == 1
