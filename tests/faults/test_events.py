"""Streams of events of the running service: what clients get, and when their streams end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Clients, Service, run, serving, short_folder, wait_until
from tests.sse import EventSource

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with short_folder() as place, serving(place, WORKERS="1") as service:
        yield service


@pytest.fixture
def own_service(place: Path) -> Iterator[Service]:
    """A service that a test may kill."""
    with serving(place, WORKERS="2") as service:
        yield service


def opened(source: EventSource) -> EventSource:
    """Waits until the stream is open."""
    assert source.is_open.wait(20), source.statuses
    return source


def a_request(service: Service) -> bytes:
    """Returns the request for a stream as a client sends it that reads nothing afterwards."""
    lines = (
        "GET /api/v1/events?since=0 HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {service.token}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def end(service: Service) -> str:
    """Returns the end of the feed once it has every change of the log."""
    return str(service.call("GET", "/api/v1/changes")[1]["next"])


def changes_since(service: Service, since: str) -> list[dict[str, object]]:
    items, more = [], True
    while more:
        page = service.call("GET", f"/api/v1/changes?since={since}&limit=500")[1]
        items += page["items"]
        since, more = page["next"], page["more"]
    return items


def peak_mebibytes(process: int) -> float:
    """Returns the most memory that a process has had."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def test_an_event_is_the_item_of_changes_with_its_position_and_kind(service: Service) -> None:
    since = end(service)
    with EventSource(service.port, service.token, f"?since={since}") as source:
        opened(source)
        task = service.create("Plan")
        assert wait_until(lambda: any(e.data["entity_id"] == task for e in source.events))

    items = changes_since(service, since)
    assert [event.data for event in source.events] == items[: len(source.events)]
    assert [event.kind for event in source.events] == [event.data["kind"] for event in source.events]
    assert [int(e.id.partition("-")[0]) for e in source.events] == [e.data["seq"] for e in source.events]
    assert source.headers["Content-Type"].startswith("text/event-stream")
    assert source.headers["X-Accel-Buffering"] == "no"
    assert source.headers["Cache-Control"] == "no-store"


def test_a_stream_without_a_position_begins_with_the_next_change_and_filters_narrow_it(
    service: Service,
) -> None:
    with EventSource(service.port, service.token, "?kind=comment.created") as source:
        opened(source)
        task = service.create("Plan")
        service.call("POST", f"/api/v1/tasks/{task}/comments", {"text": "Soon."})
        assert wait_until(lambda: source.events)

    assert [event.kind for event in source.events] == ["comment.created"]


def test_heartbeats_advance_the_position_over_what_does_not_match(service: Service) -> None:
    with EventSource(service.port, service.token, "?kind=comment.deleted") as source:
        opened(source)
        service.create("Plan")
        assert wait_until(lambda: source.last_id, seconds=40)
        assert source.last_id == end(service)
    assert source.events == []


def test_a_position_of_another_history_gets_no_stream(service: Service) -> None:
    status, problem = service.call("GET", "/api/v1/events?since=1-000000")

    assert (status, problem["code"]) == (410, "resync_required")
    assert problem["head"]["seq"] > 0
    status, _, problem = service.ask("GET", "/api/v1/events", headers={"Last-Event-ID": "seven"})
    assert (status, problem["errors"][0]["location"]) == (400, "header.Last-Event-ID")


def test_a_token_has_a_bounded_number_of_streams_and_room_again_once_one_is_closed(service: Service) -> None:
    token = run(service.settings, "tokens", "create", "--user", "admin").out.strip()
    sources = [EventSource(service.port, token, reconnects=False) for _ in range(20)]
    for source in sources:
        source.__enter__()
        opened(source)
    with EventSource(service.port, token, reconnects=False) as another:
        assert wait_until(lambda: another.statuses)
        assert another.statuses == [429]
        assert int(another.headers["Retry-After"]) > 0

    sources.pop().__exit__()
    with EventSource(service.port, token) as another:  # until the worker has noticed
        assert wait_until(another.is_open.is_set, seconds=15)
    for source in sources:
        source.__exit__()


@pytest.mark.parametrize("way", ["revoked", "deactivated", "demoted"])
def test_a_stream_ends_within_five_seconds_after_the_rights_have_changed(service: Service, way: str) -> None:
    body = {"username": f"user-{way}", "name": "Ada", "role": "manager"}
    user = service.call("POST", "/api/v1/users", body)[1]["id"]
    token = service.call("POST", "/api/v1/tokens", {"name": "x", "user_id": user})[1]
    with EventSource(service.port, token["token"], reconnects=False) as source:
        opened(source)
        time.sleep(2.5)
        assert source.ended == []
        started = time.time()
        if way == "revoked":
            assert service.call("DELETE", f"/api/v1/tokens/{token['id']}")[0] == 204
        else:
            change = {"active": False} if way == "deactivated" else {"role": "viewer"}
            assert service.call("PATCH", f"/api/v1/users/{user}", change)[0] == 200
        assert wait_until(lambda: source.ended)
    assert source.ended[0] - started < 5


@pytest.mark.parametrize("way", ["signed out", "deactivated", "demoted", "given another password"])
def test_a_stream_of_a_browser_ends_within_five_seconds_after_its_session(service: Service, way: str) -> None:
    body = {"username": f"browser-{way.replace(' ', '-')}", "name": "Ada", "role": "manager"}
    user = service.call("POST", "/api/v1/users", body)[1]["id"]
    cookie, session = signed_in(service, user)
    with EventSource(service.port, "", cookie=cookie, reconnects=False) as source:
        opened(source)
        time.sleep(2.5)
        assert source.ended == []
        started = time.time()
        if way == "signed out":
            assert service.call("DELETE", f"/api/v1/auth/sessions/{session}")[0] == 204
        elif way == "given another password":
            signed_in(service, user)
        else:
            change = {"active": False} if way == "deactivated" else {"role": "viewer"}
            assert service.call("PATCH", f"/api/v1/users/{user}", change)[0] == 200
        assert wait_until(lambda: source.ended)
    assert source.ended[0] - started < 5


def signed_in(service: Service, user: str) -> tuple[str, str]:
    """Sets a password with a new link, and returns the cookie and the id of the session that begins."""
    path = service.call("POST", "/api/v1/auth/links", {"user_id": user})[1]["path"]
    body = {"link": path.partition("#")[2], "password": "correct horse battery"}
    _, headers, session = service.ask("POST", "/api/v1/auth/links/use", body)
    return headers["Set-Cookie"].partition(";")[0], session["id"]


def test_a_client_that_takes_nothing_is_disconnected_and_holds_up_no_other(service: Service) -> None:
    with (
        socket.create_connection(("127.0.0.1", service.port)) as silent,
        EventSource(service.port, service.token) as source,
    ):
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = (
            f"GET /api/v1/events?since=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.token}\r\n\r\n"
        )
        silent.sendall(request.encode())
        opened(source)
        text = "x" * 20_000
        for _ in range(40):
            assert service.call("POST", "/api/v1/tasks", {"title": "Long", "description": text})[0] == 201
        assert wait_until(lambda: len(source.events) >= 40, seconds=20)
        assert wait_until(lambda: "the client takes nothing" in service.err, seconds=60)


def test_clients_that_read_nothing_keep_nothing_in_memory(own_service: Service) -> None:
    service = own_service
    since = end(service)
    for _ in range(100):
        body = {"title": "Long", "description": "x" * 20_000}
        assert service.call("POST", "/api/v1/tasks", body)[0] == 201
    tokens = [run(service.settings, "tokens", "create", "--user", "admin").out.strip() for _ in range(3)]
    before = sum(map(peak_mebibytes, service.workers))
    with contextlib.ExitStack() as stack:
        for number in range(60):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            request = (
                f"GET /api/v1/events?since={since} HTTP/1.1\r\n"
                f"Host: x\r\nAuthorization: Bearer {tokens[number % 3]}\r\n\r\n"
            )
            silent.sendall(request.encode())
        with EventSource(service.port, service.token, f"?since={since}") as source:
            assert wait_until(lambda: len(source.events) >= 100)
        assert wait_until(lambda: service.err.count("the client takes nothing") == 60, seconds=120)
    assert sum(map(peak_mebibytes, service.workers)) - before < 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_the_streams_at_once(own_service: Service, number: signal.Signals) -> None:
    with (
        EventSource(own_service.port, own_service.token, reconnects=False) as source,
        socket.create_connection(("127.0.0.1", own_service.port)) as silent,
    ):
        opened(source)
        token = own_service.token
        silent.sendall(
            f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert silent.recv(10)
        workers = own_service.workers
        started = time.time()
        own_service.signal(number)
        assert wait_until(lambda: source.ended)
        assert source.ended[0] - started < 5
        if number == signal.SIGTERM:
            assert own_service.ends(seconds=20) == 0
        else:
            assert wait_until(lambda: not set(workers) & set(own_service.workers), seconds=20)


def test_nothing_is_lost_or_doubled_through_kills_of_workers_and_of_the_background_process(
    own_service: Service,
) -> None:
    service = own_service
    since = end(service)
    with EventSource(service.port, service.token, last_id=since) as source:
        opened(source)
        with Clients(lambda n: service.call("POST", "/api/v1/tasks", {"title": f"Task {n}"})[0], number=2):
            for turn in range(6):
                opened(source)
                time.sleep(1.0)
                victims = service.workers if turn % 2 == 0 else [service.background()]
                for victim in victims:
                    os.kill(victim, signal.SIGKILL)
            time.sleep(1.0)
        assert wait_until(lambda: service.call("GET", "/readyz")[0] == 200)
        assert wait_until(lambda: source.last_id == end(service))
        time.sleep(2.0)
        assert wait_until(lambda: source.last_id == end(service))
    assert [event.data for event in source.events] == changes_since(service, since)
    assert len(source.events) > 10
    assert len(source.ended) >= 3
