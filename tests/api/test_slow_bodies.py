"""Tests bodies that arrive slowly, over real sockets: their deadline, and that they delay nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from pymongo.database import Database

from taskmgr.api.identity.callers import CACHE_SECONDS
from taskmgr.domain.services import Services
from tests.api.client import Client
from tests.api.served import STORE_SECONDS
from tests.factories import SYSTEM
from tests.running import PATIENCE

pytestmark = pytest.mark.slow

TASK = b'{"title": "Slow"}'


@pytest.fixture(scope="module")
def port(mongodb_uri: str, worker_database: Database[object]) -> Iterator[int]:
    """Yields the port of a gunicorn with the service's own worker, serving endpoints with short deadlines."""
    environment = os.environ | {"SERVED_MONGODB_URI": mongodb_uri, "SERVED_DATABASE": worker_database.name}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        command = [
            sys.executable, "-m", "gunicorn", "--no-control-socket",
            "--worker-class", "taskmgr.server.worker.Worker",
            "--bind", f"fd://{descriptor}", "tests.api.served:application_with_deadlines()",
        ]  # fmt: skip
        with subprocess.Popen(command, env=environment, pass_fds=[descriptor], cwd=os.getcwd()) as server:
            yield listener.getsockname()[1]
            server.terminate()


@pytest.fixture
def token(client: Client) -> str:
    return str(client.as_("member").token)


@pytest.fixture
def connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        yield connection


def head(path: str, token: str, *more: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}",
             "Content-Type: application/json", *more]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()


def whole_answer(connection: socket.socket) -> tuple[int, str, dict[str, object]]:
    """Returns status, headers and body of everything that arrives until the other side closes."""
    received = b""
    # A service that closes before it has read what was sent resets the connection, after its answer.
    with suppress(ConnectionError):
        while data := connection.recv(65_536):
            received += data
    headers, _, body = received.decode().partition("\r\n\r\n")
    return int(headers.split(" ")[1]), headers, json.loads(body)


@pytest.mark.parametrize("key", [(), ("Idempotency-Key: slow-4711",)], ids=["without a key", "with a key"])
def test_the_time_in_which_a_body_arrives_is_not_taken_from_the_database(
    key: tuple[str, ...], connection: socket.socket, token: str, database: Database[object]
) -> None:
    length = f"Content-Length: {len(TASK)}"
    connection.sendall(head("/api/v1/patient", token, *key, length, "Connection: close"))
    connection.sendall(TASK[:5])
    time.sleep(STORE_SECONDS + 0.5)
    connection.sendall(TASK[5:])

    status, _, task = whole_answer(connection)

    assert (status, task.get("title")) == (201, "Slow"), task


@pytest.mark.parametrize(
    ("framing", "piece"),
    [("Content-Length: 1000", b" "), ("Transfer-Encoding: chunked", b"1\r\n \r\n")],
    ids=["by length", "in chunks"],
)
def test_a_body_that_does_not_end_in_time_is_answered_and_its_connection_closed(
    framing: str, piece: bytes, connection: socket.socket, token: str, database: Database[object]
) -> None:
    connection.sendall(head("/api/v1/impatient", token, framing))
    connection.settimeout(0.05)
    for _ in range(200):
        connection.sendall(piece)
        try:
            assert connection.recv(1, socket.MSG_PEEK)
            break
        except TimeoutError:
            continue
    connection.settimeout(PATIENCE)

    status, headers, problem = whole_answer(connection)

    assert (status, problem["code"]) == (408, "request_timeout")
    assert problem["detail"] == "The body did not arrive within 0.5 seconds."
    assert "Connection: close" in headers.split("\r\n")
    assert database["tasks"].count_documents({}) == 0


def outlive_cache() -> None:
    time.sleep(CACHE_SECONDS + 0.2)


def lose(loss: str, services: Services, user_id: str) -> None:
    if loss == "revoked":
        for token in services.tokens.list(user_id, by=SYSTEM):
            services.tokens.revoke(token.id, by=SYSTEM)
    else:
        services.users.change(user_id, {loss: {"active": False, "role": "viewer"}[loss]}, by=SYSTEM)


@pytest.mark.parametrize(
    ("method", "path", "body", "loss", "code"),
    [
        ("POST", "tokens", {"name": "later"}, "revoked", "unauthenticated"),
        ("POST", "tokens", {"name": "later"}, "active", "unauthenticated"),
        ("PATCH", "users/{}", {"role": "admin"}, "role", "not_permitted"),
        ("PATCH", "users/{}", {"active": True}, "active", "unauthenticated"),
        ("POST", "tasks", {"title": "x"}, "role", "not_permitted"),
        ("POST", "tasks", {"title": "x"}, "revoked", "unauthenticated"),
        (
            "POST",
            "tasks/bulk",
            {"operations": [{"op": "create", "title": "x"}]},
            "revoked",
            "unauthenticated",
        ),
    ],
)
def test_a_right_that_is_lost_while_the_body_arrives_is_lost(
    method: str,
    path: str,
    body: dict[str, object],
    loss: str,
    code: str,
    connection: socket.socket,
    client: Client,
    services: Services,
    database: Database[object],
) -> None:
    client.as_("admin")
    kim = client.as_("manager")
    services.users.change(kim.user.id, {"role": "admin"}, by=SYSTEM)
    data = json.dumps(body).encode()
    more = ("Idempotency-Key: late", f"Content-Length: {len(data)}", "Connection: close")
    request = head(f"/api/v1/{path.format(kim.user.id)}", str(kim.token), *more, method=method)
    connection.sendall(request + data[:5])
    time.sleep(0.3)  # until the headers have been judged
    lose(loss, services, kim.user.id)
    outlive_cache()
    before = [database[name].count_documents({}) for name in ("tasks", "tokens", "activity")]
    with suppress(ConnectionError):  # a busy service may judge the headers only now, and close at once
        connection.sendall(data[5:])

    status, headers, problem = whole_answer(connection)

    assert (status, problem["code"]) == ({"unauthenticated": 401, "not_permitted": 403}[code], code)
    assert ("WWW-Authenticate: Bearer" in headers) == (status == 401)
    assert [database[name].count_documents({}) for name in ("tasks", "tokens", "activity")] == before


def test_a_body_that_stops_arriving_keeps_nobody_waiting(
    connection: socket.socket, port: int, token: str, database: Database[object]
) -> None:
    connection.sendall(head("/api/v1/impatient", token, "Content-Length: 1000") + b"{")

    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as other:
        length = f"Content-Length: {len(TASK)}"
        other.sendall(head("/api/v1/impatient", token, length, "Connection: close") + TASK)
        assert whole_answer(other)[0] == 201
    assert whole_answer(connection)[0] == 408
