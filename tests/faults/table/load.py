"""Clients during a fault: writers that remember every acknowledged write, and a follower of the changes."""

from __future__ import annotations

import http.client
import itertools
import json
import math
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Self

from tests.running import wait_until

# Seconds. A request has 8 for the database, and a 503 comes within 10; the machine may be busy.
LONGEST_ANSWER = 20.0
# Seconds in which a write that is sent again and again must be answered, including the 60 that an
# abandoned transaction may hold its key.
_LONGEST_OUTAGE = 150.0
_RETRY_PAUSE, _PAUSE = 0.1, 0.01  # seconds
WRITERS = 4


@dataclass
class Address:
    """Where the service is, and with which token it is called."""

    port: int
    token: str = ""

    def call(
        self, method: str, path: str, body: object = None, *, key: str = "", seconds: float = LONGEST_ANSWER
    ) -> tuple[int, Any]:
        """Sends a request on a new connection; returns the status and the decoded body."""
        status, _, content = self.ask(method, path, body, key=key, seconds=seconds)
        return status, content

    def ask(
        self, method: str, path: str, body: object = None, *, key: str = "", seconds: float = LONGEST_ANSWER
    ) -> tuple[int, http.client.HTTPMessage, Any]:
        """Does the same, and also returns the headers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        with closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
        return response.status, response.headers, json.loads(content) if content else None


@dataclass(frozen=True)
class Write:
    """An acknowledged write: the version that the answer had, and fields that it confirmed."""

    entity_id: str
    version: int
    fields: Mapping[str, Any]


@dataclass
class Load:
    """Writers that create, comment on and change tasks until the end of the block.

    Each writer has its own tasks. It sends a write without an answer, or with 503, again with the same key
    until it is answered, so in the end it knows every version that its tasks must have. `problems` has the
    answers that may never occur.
    """

    address: Address
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: list[Write] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    successes: list[float] = field(default_factory=list)  # when good answers came
    slowest: float = 0.0  # seconds until an answer
    longest_doubt: float = 0.0  # seconds until the outcome of a write was known, with all retries
    replayed: int = 0  # retries whose first attempt had been executed

    def __post_init__(self) -> None:
        self._name = secrets.token_hex(4)
        self._stopped, self._ended = threading.Event(), math.inf
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._ended = time.monotonic()
        for thread in self._threads:  # each still finds out what became of its last write
            thread.join()

    def has_written(self, number: int = 2 * WRITERS) -> bool:
        """Waits until so many more writes were acknowledged."""
        until = len(self.acknowledged) + number
        return wait_until(lambda: len(self.acknowledged) >= until, seconds=_LONGEST_OUTAGE)

    @property
    def longest_gap(self) -> float:
        """The longest time in seconds without a good answer to anyone, until the end of the block."""
        times = sorted(moment for moment in self.successes if moment < self._ended)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    @property
    def failures(self) -> int:
        """The number of requests without a good answer."""
        return self.answers.total() - len(self.successes)

    def _write(self, number: int) -> None:
        chosen, versions = random.Random(number), dict[str, int]()
        try:
            for turn in itertools.count():
                if self._stopped.is_set():
                    return
                text = f"{self._name} {number} {turn}"
                if len(versions) < 3 or chosen.random() < 0.2:
                    task = self._create("tasks", {"title": text})
                    versions[task] = 1
                elif chosen.random() < 0.3:
                    self._create(f"tasks/{chosen.choice(list(versions))}/comments", {"text": text})
                else:
                    self._change(chosen.choice(list(versions)), versions, text)
                time.sleep(_PAUSE)
        except _GivenUp as problem:
            self.problems.append(str(problem))

    def _create(self, collection: str, body: Mapping[str, Any]) -> str:
        created = self._send("POST", f"/api/v1/{collection}", body)
        self.acknowledged.append(Write(created["id"], created["version"], body))
        if created["version"] != 1:
            raise _GivenUp(f"A new entity has the version {created['version']}.")
        return str(created["id"])

    def _change(self, task: str, versions: dict[str, int], title: str) -> None:
        path = f"/api/v1/tasks/{task}"
        changed = self._send("PATCH", path, {"title": title})
        versions[task] += 1
        self.acknowledged.append(Write(task, changed["version"], {"title": title}))
        read = self._send("GET", path)
        found = [(answer["version"], answer["title"]) for answer in (changed, read)]
        if found != [(versions[task], title)] * 2:
            raise _GivenUp(f"Expected {versions[task], title} of {task}, found {found}.")

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request until its outcome is known, and returns the answer."""
        key, begun = secrets.token_hex(8) if method == "POST" else "", time.monotonic()
        for status, content in self._attempts(method, path, body, key):
            if status in (200, 201):
                self.longest_doubt = max(self.longest_doubt, time.monotonic() - begun)
                return content
            if status != 503 and content.get("code") != "idempotency_in_progress":
                raise _GivenUp(f"{method} {path} {body}: {status} {content}")
        raise _GivenUp(f"{method} {path} {body}: no good answer for {_LONGEST_OUTAGE} s")

    def _attempts(self, method: str, path: str, body: Any, key: str) -> Iterator[tuple[int, Any]]:
        deadline = time.monotonic() + _LONGEST_OUTAGE
        while time.monotonic() < deadline:
            begun = time.monotonic()
            try:
                status, headers, content = self.address.ask(method, path, body, key=key)
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(status)] += 1
                self.replayed += "Idempotent-Replayed" in headers
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if status < 300:
                    self.successes.append(time.monotonic())
                yield status, content
            time.sleep(_RETRY_PAUSE)


class _GivenUp(Exception):
    """An answer that may not occur; the writer stops."""


@dataclass
class Follower:
    """A client that follows `/changes` from the beginning; `delivered` has number and id of each entry."""

    address: Address
    delivered: list[tuple[int, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._position = "0"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            path = f"/api/v1/changes?since={self._position}&limit=500&wait=1"
            try:
                status, page = self.address.call("GET", path)
            except (OSError, http.client.HTTPException):
                time.sleep(_RETRY_PAUSE)
                continue
            if status == 200:
                self.delivered += [(item["seq"], item["id"]) for item in page["items"]]
                self._position = page["next"]
            else:
                if status != 503:
                    self.problems.append(f"The follower got {status} {page}.")
                time.sleep(_RETRY_PAUSE)
