"""Performs commands concurrently: in four processes of eight threads, which a barrier starts together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from operator import attrgetter
from typing import Any, Self

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import DomainError, Refused, Unavailable
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.idempotency import StoredResponse
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.store import mongo_store

PROCESSES, THREADS = 4, 8
CROWD = PROCESSES * THREADS
# Seconds; the deadline of each of 32 conflicting commands on a busy machine, and of the barrier.
PATIENCE = 60.0
MAX_TRIES = 20


@dataclass(frozen=True, slots=True)
class Call:
    """A command: a method of the services (such as "tasks.create") or a function, with its arguments."""

    function: str | Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def by(self, actor: Actor) -> Call:
        """Returns the same command with another actor."""
        return replace(self, kwargs={**self.kwargs, "by": actor})

    def perform(self, services: Services) -> Any:
        if isinstance(self.function, str):
            return attrgetter(self.function)(services)(*self.args, **self.kwargs)
        return self.function(services, *self.args, **self.kwargs)


def call(function: str | Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    return Call(function, args, kwargs)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command: its answer, or the class name of its error and the codes of a refusal."""

    answer: Any = None
    error: str | None = None
    codes: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.error is None

    @property
    def summary(self) -> str:
        """Returns "ok", the class name of the error, or the codes of a refusal."""
        return " ".join(self.codes) or self.error or "ok"


class Crowd:
    """Processes with database clients of their own that act on one database."""

    def __init__(self, uri: str, name: str) -> None:
        spawning = multiprocessing.get_context("spawn")
        # Keeps a reference, since otherwise the semaphore may be removed before a process has started.
        self._barrier = spawning.Barrier(CROWD)
        pipes = [spawning.Pipe() for _ in range(PROCESSES)]
        self._pipes = [ours for ours, _ in pipes]
        self._processes = [
            spawning.Process(target=_serve, args=(uri, name, theirs, self._barrier), daemon=True)
            for _, theirs in pipes
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(PATIENCE)

    def __call__(self, calls: Iterable[Call]) -> list[Outcome]:
        """Starts at most 32 commands at the same moment, and returns their outcomes in order."""
        calls = list(calls)
        assert len(calls) <= CROWD
        # Neighbours in the list go to different processes.
        shares: list[Sequence[Call]] = [calls[n::PROCESSES] for n in range(PROCESSES)]
        for pipe, share in zip(self._pipes, shares, strict=True):
            pipe.send(share)
        outcomes = [self._receive(pipe) for pipe in self._pipes]
        return [outcomes[n % PROCESSES][n // PROCESSES] for n in range(len(calls))]

    @staticmethod
    def _receive(pipe: Connection) -> list[Outcome]:
        assert pipe.poll(2 * PATIENCE), "A process of the crowd does not respond."
        outcomes: list[Outcome] = pipe.recv()
        return outcomes


def _serve(uri: str, name: str, pipe: Connection, barrier: Barrier) -> None:
    """Performs the commands that arrive, until the process is terminated."""
    services = build_services(mongo_store(open_database(uri, name), deadline=PATIENCE))

    def perform(call: Call | None) -> Outcome:
        _connect(services)
        barrier.wait(PATIENCE)
        return Outcome() if call is None else _outcome(partial(call.perform, services))

    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            share = pipe.recv()
            idle = [None] * (THREADS - len(share))  # every thread must reach the barrier
            pipe.send(list(threads.map(perform, [*share, *idle]))[: len(share)])


def _connect(services: Services) -> None:
    """Connects this thread to the database before the start, so that commands do not wait for it."""
    for _ in range(MAX_TRIES):
        with suppress(Unavailable):
            return services.health.check()
    raise TimeoutError(f"The database did not respond in {MAX_TRIES} attempts.")


def _outcome(perform: Callable[[], Any]) -> Outcome:
    try:
        return Outcome(perform())
    except Refused as error:
        return Outcome(error="Refused", codes=tuple(reason.code for reason in error.reasons))
    except DomainError as error:
        return Outcome(error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - the test reports unexpected errors
        return Outcome(error=repr(error))


def create_once(services: Services, key: str, **fields: Any) -> tuple[StoredResponse, bool]:
    """Creates a task with an idempotency key; the body of the response is the task's id."""

    def create() -> StoredResponse:
        task = services.tasks.create(**fields)
        return StoredResponse(status=201, headers={}, body=task.id.encode())

    return services.idempotency.run(key, b"fingerprint", create, by=fields["by"])
