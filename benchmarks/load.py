"""The client of the benchmarks: a few keep-alive connections, each with one request in progress at a time.

It runs in a process of its own, so that it shares no interpreter with the server. It reads a `Job`
as JSON from standard input and writes a `Measurement` as JSON to standard output. It reads the CPU
time of the servers itself, immediately before the first measured request and after the last response,
so that nothing else is counted.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_END = b"\r\n\r\n"
_RESPONSE_TIMEOUT = 30.0  # seconds without any response


@dataclass(kw_only=True)
class Job:
    """The requests to send, and the processes to measure.

    Each connection repeats its own list of `requests` in order, and stops only after a multiple of
    `unit` requests. `groups` maps names to process ids; the CPU time of a group includes that of its
    descendants. `seconds` and `warm_up` are durations in seconds.
    """

    port: int
    requests: list[list[bytes]]
    groups: dict[str, int]
    seconds: float
    warm_up: float = 0.3
    unit: int = 1

    def to_json(self) -> str:
        requests = [[base64.b64encode(r).decode() for r in connection] for connection in self.requests]
        return json.dumps({**asdict(self), "requests": requests})

    @classmethod
    def from_json(cls, text: str) -> Job:
        values = json.loads(text)
        values["requests"] = [[base64.b64decode(r) for r in connection] for connection in values["requests"]]
        return cls(**values)


@dataclass
class Measurement:
    """The result of a job, with all times in seconds.

    `statuses` counts the responses by status, `cpu` has the CPU time by group, and `waits` the latency
    of each request.
    """

    statuses: dict[str, int]
    seconds: float
    cpu: dict[str, float]
    waits: list[float]

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


def child_named(name: str, pid: int) -> int | None:
    """Returns the process id of the descendant with this name (see proc_pid_comm(5)), or None."""
    names = {child: Path(f"/proc/{child}/comm").read_text().strip() for child in _with_descendants(pid)}
    return next((child for child, found in names.items() if found == name), None)


def cpu_seconds(pid: int) -> float:
    """Returns the user and system time of a process, its threads and its descendants."""
    return sum(map(_process_cpu_seconds, _with_descendants(pid)))


def _with_descendants(pid: int) -> list[int]:
    pids, pending = [], [pid]
    while pending:
        pids.append(pending.pop())
        for file in Path(f"/proc/{pids[-1]}/task").glob("*/children"):
            with suppress(OSError):
                pending += map(int, file.read_text().split())
    return pids


def _process_cpu_seconds(pid: int) -> float:
    # See proc_pid_stat(5): fields 14 and 15, after a name that may contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass
class Connection:
    """A keep-alive connection and the request in progress on it."""

    socket: socket.socket
    requests: list[bytes]
    position: int = 0
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self) -> None:
        self.received.clear()
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.requests[self.position % len(self.requests)])
        self.position += 1

    def receive(self) -> str | None:
        """Returns the status once the response is complete, and None before."""
        arrived = self.socket.recv(1 << 18)
        if not arrived:
            raise ConnectionError(f"The server closed the connection after {bytes(self.received[:500])!r}.")
        self.received += arrived
        end = self.received.find(_END)
        if end < 0 or len(self.received) < end + len(_END) + _content_length(self.received[:end]):
            return None
        return self.received[9:12].decode()


def _content_length(head: bytes | bytearray) -> int:
    if head[9:12] == b"304":
        return 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError(f"The response has no Content-Length: {bytes(head)!r}")


def run(job: Job) -> Measurement:
    """Sends requests to warm the server up, then measures."""
    connections = [
        Connection(socket.create_connection(("127.0.0.1", job.port)), requests) for requests in job.requests
    ]
    for connection in connections:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _exchange(connections, job.warm_up, job.unit)
    before = {name: cpu_seconds(pid) for name, pid in job.groups.items()}
    began = time.perf_counter()
    statuses, waits = _exchange(connections, job.seconds, job.unit)
    seconds = time.perf_counter() - began
    cpu = {name: cpu_seconds(pid) - before[name] for name, pid in job.groups.items()}
    for connection in connections:
        connection.socket.close()
    return Measurement(dict(statuses), seconds, cpu, waits)


def _exchange(connections: list[Connection], seconds: float, unit: int) -> tuple[Counter[str], list[float]]:
    """Keeps every connection busy for `seconds`, then waits for the last responses."""
    statuses: Counter[str] = Counter()
    waits: list[float] = []
    deadline = time.perf_counter() + seconds
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        busy = len(connections)
        while busy:
            ready = selector.select(_RESPONSE_TIMEOUT)
            if not ready:
                raise TimeoutError(f"No response for {_RESPONSE_TIMEOUT:.0f} seconds.")
            for key, _ in ready:
                connection = key.data
                status = connection.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                statuses[status] += 1
                waits.append(now - connection.sent_at)
                if now < deadline or connection.position % unit:
                    connection.send()
                else:
                    busy -= 1
    return statuses, waits


def main() -> None:
    measurement: dict[str, Any] = asdict(run(Job.from_json(sys.stdin.read())))
    print(json.dumps(measurement))


if __name__ == "__main__":
    main()
