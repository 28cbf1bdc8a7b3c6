"""A client of server-sent events that reads in a thread and connects again where it was, as browsers do."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Received:
    """An event, and when it arrived (a reading of `time.time`)."""

    id: str
    kind: str
    data: dict[str, Any]
    at: float


class EventSource:
    """Follows `/api/v1/events` until the end of the block. `ended` has the time of each end of a stream."""

    def __init__(
        self,
        port: int,
        token: str,
        query: str = "",
        *,
        last_id: str = "",
        reconnects: bool = True,
        cookie: str | None = None,
    ) -> None:
        """Sends the token, or instead of it a cookie if one is given."""
        self._port, self._query = port, query
        self._caller = {"Authorization": f"Bearer {token}"} if cookie is None else {"Cookie": cookie}
        self._reconnects = reconnects
        self._stopped = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.last_id = last_id
        self.events: list[Received] = []
        self.statuses: list[int] = []
        self.ended: list[float] = []
        self.headers: dict[str, str] = {}
        self.is_open = threading.Event()

    def _run(self) -> None:
        while not self._stopped.is_set():
            # The last two: the connection was closed in the middle of a read.
            with contextlib.suppress(OSError, http.client.HTTPException, AttributeError, ValueError):
                self._read()
            self.is_open.clear()
            self.ended.append(time.time())
            if not self._reconnects:
                return
            self._stopped.wait(0.1)

    def _read(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = dict(self._caller)
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        self._connection.request("GET", f"/api/v1/events{self._query}", headers=headers)
        response = self._connection.getresponse()
        self.statuses.append(response.status)
        self.headers = dict(response.getheaders())
        if response.status != 200:
            response.read()
            return
        for fields in _blocks(response):
            self.is_open.set()
            if "id" in fields:
                self.last_id = fields["id"]
            if "data" in fields:
                data = json.loads(fields["data"])
                self.events.append(Received(fields["id"], fields["event"], data, time.time()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # it has been closed
                connection.sock.shutdown(socket.SHUT_RDWR)


def _blocks(response: http.client.HTTPResponse) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    while line := response.readline():
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
        else:
            yield fields
            fields = {}
