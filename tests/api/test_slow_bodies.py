"""Bodies that arrive slowly, over real sockets: what they may take, and what they do not cost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from pymongo.database import Database

from tests.api.client import Client
from tests.api.served import STORE_SECONDS

TASK = b'{"title": "Slow"}'


@pytest.fixture(scope="module")
def port(mongodb_uri: str, worker_database: Database[object]) -> Iterator[int]:
    """Yields the port of a gunicorn with the service's own worker, serving endpoints with short deadlines."""
    environment = os.environ | {"SERVED_MONGODB_URI": mongodb_uri, "SERVED_DATABASE": worker_database.name}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        command = [
            sys.executable, "-m", "gunicorn", "--no-control-socket",
            "--worker-class", "taskmgr.cli.processes.Worker",
            "--bind", f"fd://{descriptor}", "tests.api.served:hurried_application()",
        ]  # fmt: skip
        with subprocess.Popen(command, env=environment, pass_fds=[descriptor], cwd=os.getcwd()) as server:
            yield listener.getsockname()[1]
            server.terminate()


@pytest.fixture
def token(client: Client) -> str:
    return str(client.as_("member").token)


@pytest.fixture
def connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as opened:
        yield opened


def head(path: str, token: str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}",
             "Content-Type: application/json", *more]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()


def whole_answer(connection: socket.socket) -> tuple[int, str, dict[str, object]]:
    """Returns status, headers and body of everything that arrives until the other side closes."""
    received = b""
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
    connection.settimeout(30)

    status, headers, problem = whole_answer(connection)

    assert (status, problem["code"]) == (408, "request_timeout")
    assert problem["detail"] == "The body did not arrive within 0.5 seconds."
    assert "Connection: close" in headers.split("\r\n")
    assert database["tasks"].count_documents({}) == 0


def test_a_body_that_stops_arriving_keeps_nobody_waiting(
    connection: socket.socket, port: int, token: str, database: Database[object]
) -> None:
    connection.sendall(head("/api/v1/impatient", token, "Content-Length: 1000") + b"{")

    with socket.create_connection(("127.0.0.1", port), timeout=30) as other:
        length = f"Content-Length: {len(TASK)}"
        other.sendall(head("/api/v1/impatient", token, length, "Connection: close") + TASK)
        assert whole_answer(other)[0] == 201
    assert whole_answer(connection)[0] == 408
