"""Tests that a worker with too many requests refuses more at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from prometheus_client import REGISTRY

from taskmgr.api.overload import Overload


def ask(application: Any, path: str = "/api/v1/tasks") -> tuple[str, dict[str, str], bytes]:
    started: list[Any] = []
    body = b"".join(application({"PATH_INFO": path}, lambda *response: started.extend(response)))
    return started[0], dict(started[1]), body


def occupied(overload: Overload, *, waits: bool = False) -> Any:
    """An application that asks itself once more while it works on a request, or waits during one."""

    def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/outer":
            if waits:
                with overload.waiting():
                    inner = ask(guarded, "/inner")
            else:
                inner = ask(guarded, "/inner")
            start_response("200 OK", [])
            return [json.dumps(inner[0]).encode()]
        start_response("200 OK", [])
        return [b""]

    guarded = overload.guard(respond)
    return guarded


def test_a_request_more_than_a_worker_can_work_on_is_refused_at_once() -> None:
    overload = Overload(max_working=1)

    assert json.loads(ask(occupied(overload), "/outer")[2]) == "503 Service Unavailable"


def test_when_the_work_is_done_the_next_request_is_answered() -> None:
    guarded = occupied(Overload(max_working=1))
    ask(guarded, "/outer")

    assert ask(guarded)[0] == "200 OK"


def test_a_request_that_fails_is_no_longer_counted() -> None:
    def fail(*_: Any) -> Iterable[bytes]:
        raise RuntimeError

    overload = Overload(max_working=1)
    for _ in range(2):
        try:
            ask(overload.guard(fail))
        except RuntimeError:
            continue
        raise AssertionError("It was refused instead.")


def test_a_request_that_waits_makes_room_for_another() -> None:
    overload = Overload(max_working=1)

    assert json.loads(ask(occupied(overload, waits=True), "/outer")[2]) == "200 OK"


def test_the_refusal_is_a_problem_that_says_when_to_try_again() -> None:
    status, headers, body = ask(Overload(max_working=0).guard(lambda *_: [b""]))
    problem = json.loads(body)

    assert status == "503 Service Unavailable"
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Retry-After"] == "1"
    assert headers["X-Request-Id"] == problem["request_id"]
    assert (problem["status"], problem["code"]) == (503, "unavailable")


def test_checks_of_health_are_never_refused() -> None:
    def healthy(_: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b""]

    for path in ("/healthz", "/readyz"):
        assert ask(Overload(max_working=0).guard(healthy), path)[0] == "200 OK"


def in_progress() -> float | None:
    return REGISTRY.get_sample_value("taskmgr_http_requests_in_progress")


def test_the_metric_of_requests_in_progress_is_the_count_that_decides() -> None:
    overload, seen = Overload(), list[float | None]()

    def respond(_: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(in_progress())
        with overload.waiting():
            seen.append(in_progress())
        start_response("200 OK", [])
        return [b""]

    ask(overload.guard(respond))

    assert [*seen, in_progress()] == [1, 0, 0]
