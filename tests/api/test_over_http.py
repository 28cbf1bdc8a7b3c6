"""Tests what a test client without a network cannot: chunks, limits and connections that are used again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from pymongo.database import Database

from tests.api.client import Client
from tests.running import PATIENCE

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024
TASK = b'{"title": "x"}'


@pytest.fixture(scope="module")
def port(mongodb_uri: str, worker_database: Database[Any]) -> Iterator[int]:
    """gunicorn with a gevent worker, as the service runs it, on a socket made here: no waiting for it."""
    environment = os.environ | {"SERVED_MONGODB_URI": mongodb_uri, "SERVED_DATABASE": worker_database.name}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor = listener.fileno()
        command = [
            sys.executable, "-m", "gunicorn", "--worker-class", "gevent", "--no-control-socket",
            "--bind", f"fd://{descriptor}", "tests.api.served:application()",
        ]  # fmt: skip
        with subprocess.Popen(command, env=environment, pass_fds=[descriptor], cwd=os.getcwd()) as server:
            yield listener.getsockname()[1]
            server.terminate()


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        yield connection


@pytest.fixture
def headers(client: Client) -> dict[str, str]:
    """What a member sends along with JSON."""
    return {"Authorization": f"Bearer {client.as_('member').token}", "Content-Type": "application/json"}


def send(connection: HTTPConnection, method: str, path: str, **options: Any) -> tuple[HTTPResponse, Any]:
    connection.request(method, path, **options)
    answer = connection.getresponse()
    body = answer.read()
    return answer, json.loads(body) if body else None


def in_chunks(size: int) -> Iterator[bytes]:
    """A task, followed by blanks up to a size."""
    yield TASK
    remaining = size - len(TASK)
    while remaining:
        chunk = b" " * min(remaining, 65_536)
        remaining -= len(chunk)
        yield chunk


def test_a_body_may_come_in_chunks(connection: HTTPConnection, headers: dict[str, str]) -> None:
    answer, body = send(
        connection, "POST", "/api/v1/tasks", body=iter([TASK[:5], TASK[5:]]), headers=headers,
        encode_chunked=True,
    )  # fmt: skip

    assert (answer.status, body["title"]) == (201, "x")


@pytest.mark.parametrize(("size", "status"), [(MEBIBYTE, 201), (MEBIBYTE + 1, 413), (3 * MEBIBYTE, 413)])
def test_the_limit_holds_for_a_body_in_chunks(
    size: int, status: int, connection: HTTPConnection, headers: dict[str, str], database: Database[Any]
) -> None:
    answer, body = send(
        connection, "POST", "/api/v1/tasks", body=in_chunks(size), headers=headers, encode_chunked=True
    )

    assert answer.status == status, body
    assert database["tasks"].count_documents({}) == (status == 201)


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 3 * MEBIBYTE])
def test_a_body_that_says_that_it_is_too_large_is_refused(
    size: int, connection: HTTPConnection, headers: dict[str, str], database: Database[Any]
) -> None:
    answer, body = send(connection, "POST", "/api/v1/tasks", body=b"".join(in_chunks(size)), headers=headers)

    assert (answer.status, body["code"]) == (413, "too_large")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert database["tasks"].count_documents({}) == 0


def test_without_a_token_a_large_body_is_not_even_looked_at(connection: HTTPConnection) -> None:
    answer, body = send(connection, "POST", "/api/v1/tasks", body=b"".join(in_chunks(2 * MEBIBYTE)))

    assert (answer.status, body["code"]) == (401, "unauthenticated")


def test_a_body_that_breaks_off_changes_nothing(
    port: int, headers: dict[str, str], database: Database[Any]
) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
        raw.sendall(
            f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 20\r\n\r\n".encode() + TASK
        )
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(65_536)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer
    assert database["tasks"].count_documents({}) == 0


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/healthz", "/openapi.json", "/docs", "/nowhere"])
def test_head_is_answered_as_get_without_a_body(
    path: str, connection: HTTPConnection, headers: dict[str, str]
) -> None:
    get, _ = send_raw(connection, "GET", path, headers)
    head, body = send_raw(connection, "HEAD", path, headers)

    assert (head.status, body) == (get.status, b"")
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


def send_raw(
    connection: HTTPConnection, method: str, path: str, headers: dict[str, str]
) -> tuple[HTTPResponse, bytes]:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


def test_a_304_has_no_body_and_the_connection_goes_on(
    connection: HTTPConnection, headers: dict[str, str]
) -> None:
    made, task = send(connection, "POST", "/api/v1/tasks", body=TASK, headers=headers)
    path = made.headers["Location"]

    again, body = send(connection, "GET", path, headers=headers | {"If-None-Match": made.headers["ETag"]})
    after, found = send(connection, "GET", path, headers=headers)

    assert (again.status, body) == (304, None)
    assert (after.status, found) == (200, task)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: x\r\n" * 500 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBroken\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"nonsense\r\n\r\n",
    ],
    ids=["line", "header", "headers", "broken", "smuggled", "negative", "lengths", "nonsense"],
)
def test_a_request_that_http_does_not_know_ends_there_and_the_next_one_is_answered(
    raw: bytes, port: int, connection: HTTPConnection
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as broken:
        broken.sendall(raw)
        answer = broken.recv(65_536)

    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer
    assert send(connection, "GET", "/healthz")[0].status == 200


def test_a_query_that_is_not_utf_8_is_a_problem(connection: HTTPConnection, headers: dict[str, str]) -> None:
    answer, body = send(connection, "GET", "/api/v1/tasks?label=%FF", headers=headers)

    assert (answer.status, body["code"]) == (400, "malformed")


def test_a_header_in_another_encoding_is_no_token(connection: HTTPConnection) -> None:
    answer, body = send(
        connection, "GET", "/api/v1/tasks", headers={"Authorization": "Bearer tm_größe".encode("latin-1")}
    )

    assert (answer.status, body["code"]) == (401, "unauthenticated")
