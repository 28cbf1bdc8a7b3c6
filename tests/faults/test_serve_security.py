"""The service as it is run, with two workers: who is shut out when, what is too long, what the log tells."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from bson import ObjectId
from pymongo import MongoClient

from tests.running import PATIENCE, Service, database_servers_in, run, serving, short_folder, wait_until

KEY = "the-secret-key-of-this-service-and-of-no-other"
TOKEN = re.compile(r"tm_[0-9a-f]{24}_[A-Za-z0-9_-]{20,}")


@dataclass
class Caller:
    """Calls the service, and remembers every token that it was given or sent."""

    service: Service
    secrets: set[str] = field(default_factory=set)

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """One request on a connection of its own, so that any worker may take it."""
        sent = {"Authorization": f"Bearer {token or self.service.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, sent | headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        self.secrets.update(TOKEN.findall(text))
        return answer.status, answer.headers, json.loads(text) if text else None

    def raw(self, data: bytes) -> bytes:
        """What comes back for these very bytes."""
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=PATIENCE) as connection:
            connection.sendall(data)
            return connection.recv(65_536)

    def user(self, name: str, role: str = "member") -> str:
        given = {"username": name, "name": name.title(), "role": role}
        return str(self.ask("POST", "/api/v1/users", given)[2]["id"])

    def token(self, user_id: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ask(
            "POST", "/api/v1/tokens", {"name": "test", "user_id": user_id, **more}
        )[2]
        return made


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    words = ("--bind", "127.0.0.1:0", "--workers", "2")
    with (
        short_folder() as place,
        serving(place, *words, SECRET_KEY=KEY, RATE_LIMIT="1000", TRUSTED_PROXIES="1") as service,
    ):
        yield Caller(service, {service.token})


# --- within a second


def code_of(answer: tuple[int, Any, Any]) -> Any:
    return answer[2].get("code", answer[0]) if isinstance(answer[2], dict) else answer[0]


def until_both_workers_know(ask: Callable[[], tuple[int, http.client.HTTPMessage, Any]]) -> None:
    """Each worker counts a token's requests by itself: a number seen twice was told by both."""
    seen: list[str] = []

    def twice() -> bool:
        status, headers, _ = ask()
        assert status < 400
        seen.append(headers["RateLimit-Remaining"])
        return len(set(seen)) < len(seen)

    assert wait_until(twice)


def deactivate(caller: Caller, user: str, token: str) -> None:
    assert caller.ask("PATCH", f"/api/v1/users/{user}", {"active": False})[0] == 200


def demote(caller: Caller, user: str, token: str) -> None:
    assert caller.ask("PATCH", f"/api/v1/users/{user}", {"role": "viewer"})[0] == 200


def revoke(caller: Caller, user: str, token: str) -> None:
    assert caller.ask("DELETE", f"/api/v1/tokens/{token}")[0] == 204


@pytest.mark.parametrize(
    ("change", "code"),
    [(deactivate, "unauthenticated"), (demote, "not_permitted"), (revoke, "unauthenticated")],
)
def test_a_lost_right_takes_effect_in_every_worker_within_a_second(
    change: Callable[[Caller, str, str], None], code: str, caller: Caller
) -> None:
    user = caller.user(change.__name__)
    made = caller.token(user)

    def ask() -> tuple[int, http.client.HTTPMessage, Any]:
        return caller.ask("POST", "/api/v1/tasks", {"title": "x"}, token=made["token"])

    until_both_workers_know(ask)
    change(caller, user, made["id"])
    time.sleep(1)

    assert {code_of(ask()) for _ in range(20)} == {code}


def test_within_a_second_every_worker_knows_that_a_token_has_expired(caller: Caller) -> None:
    user = caller.user("expiring")
    ends = datetime.now(UTC) + timedelta(seconds=6)  # by then both know it, on a busy machine too
    made = caller.token(user, expires_at=ends.isoformat(timespec="milliseconds"))

    def ask() -> tuple[int, http.client.HTTPMessage, Any]:
        return caller.ask("GET", "/api/v1/users/me", token=made["token"])

    until_both_workers_know(ask)
    while datetime.now(UTC) < ends - timedelta(seconds=0.1):
        ask()  # known until the very end
        time.sleep(0.05)
    time.sleep(1.1)

    assert {code_of(ask()) for _ in range(20)} == {"unauthenticated"}


def browse(caller: Caller, cookie: str) -> tuple[int, http.client.HTTPMessage, Any]:
    """A request with a session on a connection of its own, so that any worker may take it."""
    connection = http.client.HTTPConnection("127.0.0.1", caller.service.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/users/me", headers={"Cookie": cookie})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


def test_a_session_that_has_ended_is_unknown_to_every_worker_within_a_second(caller: Caller) -> None:
    user = caller.user("browsing")
    link = caller.ask("POST", "/api/v1/auth/links", {"user_id": user})[2]["path"].partition("#")[2]
    body = {"link": link, "password": "correct horse battery"}
    _, headers, session = caller.ask("POST", "/api/v1/auth/links/use", body)
    cookie = headers["Set-Cookie"].partition(";")[0]
    until_both_workers_know(lambda: browse(caller, cookie))

    assert caller.ask("DELETE", f"/api/v1/auth/sessions/{session['id']}")[0] == 204
    time.sleep(1)

    assert {code_of(browse(caller, cookie)) for _ in range(20)} == {"unauthenticated"}


# --- too long, too many

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /healthz?" + b"x" * 8300 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (HEAD + b"X-Long: " + b"x" * 8300 + b"\r\n\r\n", b"431"),
        (HEAD + b"".join(b"X-%d: x\r\n" % number for number in range(99)) + b"\r\n", b"431"),
        (HEAD + b"X-Long: " + b"x" * 8000 + b"\r\n\r\n", b"200"),
        (HEAD + b"".join(b"X-%d: x\r\n" % number for number in range(98)) + b"\r\n", b"200"),
    ],
    ids=["a long line", "a long header", "many headers", "nearly too long", "nearly too many"],
)
def test_a_request_line_and_each_of_100_headers_may_have_8_kib(
    data: bytes, status: bytes, caller: Caller
) -> None:
    assert caller.raw(data).split(b" ")[1] == status
    assert caller.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("chunks", [b"zz\r\nab\r\n0\r\n\r\n", b"-1\r\n\r\n", b"5\r\nabXX", b"5;\x00\r\nab"])
def test_chunks_that_are_none_are_a_malformed_body(chunks: bytes, caller: Caller) -> None:
    head = (
        f"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.service.token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", caller.service.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + chunks)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"internal error" not in caller.service.err.encode()


@pytest.mark.parametrize(("path", "most"), [("tasks", 1024 * 1024), ("tasks/bulk", 4 * 1024 * 1024)])
def test_a_body_in_chunks_has_the_limit_of_its_endpoint(path: str, most: int, caller: Caller) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", caller.service.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {caller.service.token}", "Content-Type": "application/json"}
    chunks = (b"{" + b" " * 65_535 for _ in range(most // 65_536 + 1))
    with contextlib.closing(connection):
        connection.request("POST", f"/api/v1/{path}", chunks, headers, encode_chunked=True)
        answer = connection.getresponse()
        told = json.loads(answer.read())

    assert (answer.status, told["code"]) == (413, "too_large")


def test_the_log_shows_the_address_that_the_trusted_proxy_has_seen(caller: Caller) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Request-Id": "forwarded"}
    caller.ask("GET", "/healthz", **forwarded)

    assert wait_until(lambda: '"forwarded"' in caller.service.err)
    (line,) = [line for line in caller.service.err.splitlines() if '"forwarded"' in line]
    assert json.loads(line)["client"] == "198.51.100.7"


# --- what a reader of the log sees


def test_nobody_steers_the_terminal_of_who_reads_the_log() -> None:
    hostile = b"\x1b]0;owned\x07\x1b[31m\xc2\x9b32m"
    head = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    requests = (
        b"GET /%1b%5b31m%0d%0a%c2%9b32m/steering" + head + b"\r\n",
        b"GET /" + hostile + head + b"\r\n",
        b"GET /\x1b[31m HTTP/1.1 \x1b[31m\r\nHost: x\r\n\r\n",
        b"G\x1b[31mT /healthz" + head + b"\r\n",
        b"GET /healthz" + head + b"X-\x1b[31m: x\r\n\r\n",
        b"GET /healthz" + head + b"X-Request-Id: " + hostile + b"\r\n\r\n",
        b"GET /healthz" + head + b"X-Forwarded-For: " + hostile + b"\r\n\r\n",
    )
    settings = {"LOG_FORMAT": "text", "TRUSTED_PROXIES": "1"}
    with short_folder() as place, serving(place, **settings) as service:
        caller = Caller(service)
        for request in requests:
            caller.raw(request)
        caller.ask("GET", "/healthz", **{"X-Request-Id": "the-last"})
        assert wait_until(lambda: "the-last" in service.err)
        written = service.err

    assert "steering" in written
    assert "Invalid request" in written
    assert not [c for c in written if c != "\n" and unicodedata.category(c) == "Cc"]


# --- secrets


def a_day_in_which_all_happens(caller: Caller) -> None:
    """Whatever a token may come to in a day: used, wrong, misplaced, and in the way of failures."""
    user = caller.user("careless", "manager")
    made = caller.token(user)
    token, secret = made["token"], made["token"].split("_", 2)[2]
    wrong = f"tm_{ObjectId()}_{'w' * 43}"
    caller.secrets.update((token, wrong, secret))
    _sign_in(caller, user)
    task = caller.ask("POST", "/api/v1/tasks", {"title": "x"}, token=token)[2]["id"]
    for body in ({"title": ""}, {token: 1}, {"title": "x", "status": token}, {"title": "x", "version": 1}):
        caller.ask("POST", "/api/v1/tasks", body, token=token)
    for path in (
        "tokens",
        f"tasks?token={token}",
        f"tasks/{token}",
        f"tokens/{token}",
        "nowhere",
        "activity",
    ):
        for method in ("GET", "DELETE"):
            caller.ask(method, f"/api/v1/{path}", token=wrong)
            if (method, path) != ("DELETE", f"tokens/{token}"):  # revokes the token: see below
                caller.ask(method, f"/api/v1/{path}", token=token)
    for header in (
        "If-Match",
        "Idempotency-Key",
        "X-Request-Id",
        "Origin",
        "Referer",
        "User-Agent",
        "Cookie",
    ):
        caller.ask("POST", "/api/v1/tasks", {"title": "x"}, token=token, **{header: token})
    text = token.encode()
    for data in (
        b"GET /%s HTTP/9\r\n\r\n" % text,
        b"GET /?token=%s\r\n\r\n" % text,
        b"%s /api HTTP/1.1\r\nHost: x\r\n\r\n" % text,
        HEAD + b"Authorization Bearer %s\r\n\r\n" % text,
        HEAD + b"Authorization: Bearer %s\x00\r\n\r\n" % text,
        HEAD + b"Authorization: Bearer\r\n %s\r\n\r\n" % text,
        HEAD + b"Content-Length: %s\r\n\r\n" % text,
        HEAD + b"Transfer-Encoding: %s\r\n\r\n" % text,
        HEAD + b"Expect: %s\r\n\r\n" % text,
        HEAD + b"%s: x\r\n\r\n" % text,
        b"%s\r\n\r\n" % text,
        b"Authorization: Bearer %s\r\n\r\n" % text,
    ):
        caller.raw(data)
    _break(caller, task)
    assert caller.ask("GET", f"/api/v1/tasks/{task}", token=token)[0] == 500
    _pause(caller, token)
    caller.ask("DELETE", f"/api/v1/tokens/{token}", token=token)
    caller.ask("PATCH", f"/api/v1/users/{user}", {"active": False})
    caller.ask("GET", "/api/v1/tasks", token=token)
    caller.ask("POST", "/api/v1/tokens", {"name": "x", "user_id": user})


def _sign_in(caller: Caller, user: str) -> None:
    """A link, a password and a session, right, wrong and misplaced."""
    link = caller.ask("POST", "/api/v1/auth/links", {"user_id": user})[2]["path"].partition("#")[2]
    password = "a password that is not in any log of this world"
    body = {"link": link, "password": password}
    _, headers, _ = caller.ask("POST", "/api/v1/auth/links/use", body)
    session = headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    caller.secrets.update((link, password, session))
    for secret in (link, password, session):
        for name in ("username", "password", "link"):
            caller.ask("POST", "/api/v1/auth/sessions", {"username": "x", "password": "y", name: secret})
        caller.ask("POST", "/api/v1/auth/links/open", {"link": secret})
    for text in (link, session):
        caller.ask("GET", f"/welcome/{text}", Cookie=f"__Host-taskmgr_session={text}")
        caller.ask("DELETE", f"/api/v1/auth/sessions/{text}")


def _break(caller: Caller, task: str) -> None:
    """A document that no release has ever written: reading it is a mistake inside."""
    path = quote_plus(str(caller.service.place / "data" / "mongod.sock"))
    with MongoClient(f"mongodb://{path}", directConnection=True) as client:
        client["taskmgr"]["tasks"].update_one({"_id": ObjectId(task)}, {"$unset": {"created_at": ""}})


def _pause(caller: Caller, token: str) -> None:
    """A database that does not answer for as long as a request may wait."""
    (server,) = database_servers_in(caller.service.place)
    os.kill(server, signal.SIGSTOP)
    try:
        assert caller.ask("GET", "/api/v1/tasks", token=token)[0] == 503
    finally:
        os.kill(server, signal.SIGCONT)


def _secret_of(text: str) -> str:
    """The secret part of a token; a secret itself, which may have underscores, is all secret."""
    return text.split("_", 2)[2] if re.match("tm[sl]?_", text) else text


def test_no_log_contains_a_secret_that_was_used(caller: Caller) -> None:
    a_day_in_which_all_happens(caller)
    service, place = caller.service, Path(caller.service.place)
    by_command = run(service.settings, "tokens", "create", "--user", "admin").out.strip()
    shown = [run(service.settings, *words).out for words in (("tokens", "list", "--json"), ("doctor",))]
    secrets = {_secret_of(text) for text in {*caller.secrets, by_command}} | {KEY}
    at_start = service.out.count(service.token)
    written = {
        "standard error": service.err,
        "standard output": service.out.replace(service.token, ""),
        "the database's log": (place / "data" / "mongod.log").read_text(errors="replace"),
        "the activity log": json.dumps(caller.ask("GET", "/api/v1/activity?limit=200")[2]),
        "the document": json.dumps(caller.ask("GET", "/openapi.json")[2]),
        "the commands": "".join(shown),
    }

    assert len(secrets) > 3
    assert min(map(len, secrets)) >= 32
    assert "internal error" in service.err
    assert '"unavailable"' in service.err
    assert at_start == 2  # the first user's, in the greeting: that it is, and in a command to paste
    for where, text in written.items():
        assert not [secret for secret in secrets if secret in text], where
