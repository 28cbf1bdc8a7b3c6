"""Defines the calls that are measured: the same requests to every server, and the expected status."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks import data

API = "/api/v1"
LIST = f"{API}/tasks?status=todo&sort=due_date&limit=50"
USERS = f"{API}/users?include=tasks&limit=20&tasks_limit=20"
_OWNERS_PER_CONNECTION = 8
_PAGES_PER_CONNECTION = 50  # with four connections these are 10,000 tasks, more than taskmgr caches
_TASK_STEP = 199  # a prime, so that the tasks that are read singly belong to different users


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: its port, its process id, and the token that requests need.

    `background` is the process id of a child that answers no requests, and is measured by itself.
    """

    name: str
    port: int
    pid: int
    token: str
    background: int | None = None
    index: int = 0  # position among the servers: each writes to the tasks of other users

    def fetch(
        self, path: str, *, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Returns the status, the headers and the JSON body of a response, over a new connection."""
        payload = None if body is None else json.dumps(body)
        content_type = {} if body is None else {"Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, payload, {**self._headers(), **content_type, **headers})
            response = connection.getresponse()
            content = response.read()
            response_headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, response_headers, json.loads(content) if content else None

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        """Returns the bytes of a request."""
        payload = b"" if body is None else json.dumps(body).encode()
        all_headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Accept": "application/json",
            **self._headers(),
            **headers,
        }
        if body is not None:
            all_headers |= {"Content-Type": "application/json", "Content-Length": str(len(payload))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + payload

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, kw_only=True)
class Load:
    """The requests of each connection, and the status that every response must have."""

    requests: list[list[bytes]]
    status: str = "200"
    unit: int = 1


class NotSupported(Exception):
    """The server does not support the call."""


# Builds the load for a server, a number of connections and a number of users.
Call = Callable[[Server, int, int], Load]


def same(path: str) -> Call:
    """Returns a call that repeats one GET request."""
    return lambda server, connections, _: Load(requests=[[server.request("GET", path)]] * connections)


def one_task(server: Server, connections: int, users: int) -> Load:
    """Reads single tasks, spread over the whole collection."""
    ids = [data.task_id(number) for number in range(0, users * data.TASKS_PER_USER, _TASK_STEP)][:400]
    return Load(requests=[[server.request("GET", f"{API}/tasks/{key}") for key in ids]] * connections)


def unchanged(server: Server, connections: int, _: int) -> Load:
    """Requests a list that has not changed since the client read it."""
    _, headers, _ = server.fetch(LIST)
    if "etag" not in headers:
        raise NotSupported
    request = server.request("GET", LIST, **{"If-None-Match": headers["etag"]})
    return Load(requests=[[request]] * connections, status="304")


def unchanged_among_writes(server: Server, connections: int, users: int) -> Load:
    """Requests an unchanged list after another task has been written."""
    load = unchanged(server, connections, users)
    path = f"{API}/tasks/{data.task_of(users // 2, data.MOVED[0], users)}/status"
    for status in ("in_progress", "todo"):
        server.fetch(path, method="PUT", body={"status": status})
    return load


def pages(server: Server, connections: int, _: int) -> Load:
    """Reads pages of which taskmgr knows no row: each connection reads different pages."""
    requests, path = [], LIST
    for _ in range(connections):
        page_requests = []
        for _ in range(_PAGES_PER_CONNECTION):
            page_requests.append(server.request("GET", path))
            _, _, page = server.fetch(path)
            if page["next"] is None:
                raise NotSupported
            path = f"{LIST}&cursor={quote(page['next'])}"
        requests.append(page_requests)
    return Load(requests=requests)


def create(server: Server, connections: int, users: int) -> Load:
    """Creates tasks with every field that clients usually set."""

    def body(owner: int) -> dict[str, Any]:
        return {
            "title": f"Measure the work of user {owner}",
            "description": "Follows the order of the customer, who needs every invoice twice. " * 3,
            "due_date": "2099-12-31",
            "labels": ["performance", "tests"],
            "assignee_id": str(data.user_id(owner)),
        }

    requests = [
        [server.request("POST", f"{API}/tasks", body(owner)) for owner in owners]
        for owners in _owners(server, connections, users)
    ]
    return Load(requests=requests, status="201")


def change_status(server: Server, connections: int, users: int) -> Load:
    """Starts tasks, which is checked against the limit of their assignees, and moves them back."""
    requests = [
        [
            server.request(
                "PUT", f"{API}/tasks/{data.task_of(owner, slot, users)}/status", {"status": status}
            )
            for owner in owners
            for slot in data.MOVED
            for status in ("in_progress", "todo")
        ]
        for owners in _owners(server, connections, users)
    ]
    return Load(requests=requests, unit=2)


def _owners(server: Server, connections: int, users: int) -> Sequence[Sequence[int]]:
    """Returns different users for each connection, so that writers do not wait for each other."""
    last = users - 1 - server.index * connections * _OWNERS_PER_CONNECTION
    return [
        [(last - connection * _OWNERS_PER_CONNECTION - i) % users for i in range(_OWNERS_PER_CONNECTION)]
        for connection in range(connections)
    ]


CALLS: dict[str, tuple[str, Call]] = {
    "list": ("list of 50", same(LIST)),
    "pages": ("cold list of 50", pages),
    "one": ("one task", one_task),
    "unchanged": ("unchanged list (304)", unchanged),
    "unchanged_old": ("unchanged list after a write (304)", unchanged_among_writes),
    "users": ("users with tasks, 20 × 20", same(USERS)),
    "create": ("create a task", create),
    "status": ("change a status", change_status),
}
