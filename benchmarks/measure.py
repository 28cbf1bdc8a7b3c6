"""Measures one call on one server, and computes the medians of several rounds."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.calls import Load, Server
from benchmarks.load import Job, Seen

_SERVICE, _MONGOD = "service", "mongod"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The cost of a request: CPU time and latency in milliseconds, and the rate in requests per second."""

    cpu: float
    mongod_cpu: float
    rate: float
    median_wait: float
    p99_wait: float
    requests: int
    spread: float = 0.0  # of the CPU time over the rounds: (most - least) / median


class WrongAnswers(Exception):
    """Some responses had an unexpected status."""


def measure(server: Server, load: Load, mongod: int, *, seconds: float) -> Figures:
    """Runs the client once. Raises `WrongAnswers` if any response has an unexpected status."""
    groups = {_SERVICE: server.pid, _MONGOD: mongod}
    job = Job(port=server.port, requests=load.requests, groups=groups, seconds=seconds, unit=load.unit)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=job.to_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seen = Seen(**json.loads(done.stdout))
    if set(seen.statuses) != {load.status}:
        raise WrongAnswers(f"{server.name} answered {seen.statuses}, and not {load.status} throughout.")
    return figures(seen)


def figures(seen: Seen) -> Figures:
    waits = sorted(seen.waits)
    return Figures(
        cpu=1000 * seen.cpu[_SERVICE] / seen.requests,
        mongod_cpu=1000 * seen.cpu[_MONGOD] / seen.requests,
        rate=seen.requests / seen.seconds,
        median_wait=1000 * statistics.median(waits),
        p99_wait=1000 * waits[math.ceil(0.99 * len(waits)) - 1],
        requests=seen.requests,
    )


def median(rounds: Iterable[Figures]) -> Figures:
    """Returns the median of each figure over the rounds, and the relative spread of the CPU time."""
    found = list(rounds)
    cpu = sorted(one.cpu for one in found)
    middle = statistics.median(cpu)
    return Figures(
        cpu=middle,
        mongod_cpu=statistics.median(one.mongod_cpu for one in found),
        rate=statistics.median(one.rate for one in found),
        median_wait=statistics.median(one.median_wait for one in found),
        p99_wait=statistics.median(one.p99_wait for one in found),
        requests=sum(one.requests for one in found),
        spread=(cpu[-1] - cpu[0]) / middle if middle else 0.0,
    )


# Figures by call and by server, or by size.
Table = Mapping[str, Mapping[str, Figures]]
