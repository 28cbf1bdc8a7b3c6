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
from benchmarks.load import Job, Measurement

_SERVICE, _MONGOD, _BACKGROUND = "service", "mongod", "background"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The cost of a request: CPU time and latency in milliseconds, and the rate in requests per second.

    `background_cpu` is what the service does later because of the request, in a process of its own.
    """

    cpu: float
    background_cpu: float
    mongod_cpu: float
    rate: float
    median_wait: float
    p99_wait: float
    requests: int
    spread: float = 0.0  # of the CPU time over the rounds: (maximum - minimum) / median


class UnexpectedStatus(Exception):
    """Some responses had an unexpected status."""


def measure(server: Server, load: Load, mongod: int, *, seconds: float) -> Figures:
    """Runs the client once. Raises `UnexpectedStatus` if any response has an unexpected status."""
    groups = {_SERVICE: server.pid, _MONGOD: mongod}
    if server.background is not None:
        groups[_BACKGROUND] = server.background
    job = Job(port=server.port, requests=load.requests, groups=groups, seconds=seconds, unit=load.unit)
    completed = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=job.to_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measurement = Measurement(**json.loads(completed.stdout))
    if set(measurement.statuses) != {load.status}:
        raise UnexpectedStatus(
            f"{server.name} responded with {measurement.statuses}; expected only {load.status}."
        )
    return figures(measurement)


def figures(measurement: Measurement) -> Figures:
    """Returns the figures per request of one measurement."""
    waits = sorted(measurement.waits)
    background = measurement.cpu.get(_BACKGROUND, 0.0)
    return Figures(
        cpu=1000 * (measurement.cpu[_SERVICE] - background) / measurement.requests,
        background_cpu=1000 * background / measurement.requests,
        mongod_cpu=1000 * measurement.cpu[_MONGOD] / measurement.requests,
        rate=measurement.requests / measurement.seconds,
        median_wait=1000 * statistics.median(waits),
        p99_wait=1000 * waits[math.ceil(0.99 * len(waits)) - 1],
        requests=measurement.requests,
    )


def median(rounds: Iterable[Figures]) -> Figures:
    """Returns the median of each figure over the rounds, and the relative spread of the CPU time."""
    rounds = list(rounds)
    cpu = sorted(figures.cpu for figures in rounds)
    middle = statistics.median(cpu)
    return Figures(
        cpu=middle,
        background_cpu=statistics.median(figures.background_cpu for figures in rounds),
        mongod_cpu=statistics.median(figures.mongod_cpu for figures in rounds),
        rate=statistics.median(figures.rate for figures in rounds),
        median_wait=statistics.median(figures.median_wait for figures in rounds),
        p99_wait=statistics.median(figures.p99_wait for figures in rounds),
        requests=sum(figures.requests for figures in rounds),
        spread=(cpu[-1] - cpu[0]) / middle if middle else 0.0,
    )


# Figures by call, then by column: the name of a server, or a size.
Table = Mapping[str, Mapping[str, Figures]]
