"""Many who act at once: four processes of eight threads, which a barrier lets go together."""

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
# Seconds. For a command among 32 that all meet on a busy machine, and for all to come together.
PATIENCE = 60.0
MAX_TRIES = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One command: which method of the services, or which function of them, and with what."""

    what: str | Callable[..., Any]
    args: tuple[Any, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    def by(self, who: Actor) -> Call:
        """Returns the same command by somebody else."""
        return replace(self, given={**self.given, "by": who})

    def perform(self, services: Services) -> Any:
        if isinstance(self.what, str):
            return attrgetter(self.what)(services)(*self.args, **self.given)
        return self.what(services, *self.args, **self.given)


def call(what: str | Callable[..., Any], *args: Any, **given: Any) -> Call:
    return Call(what, args, given)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: the answer, or the error by its class, and the codes of a refusal."""

    answer: Any = None
    error: str | None = None
    codes: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.error is None

    @property
    def summary(self) -> str:
        """In a word: `ok`, the error's class, or the codes of a refusal."""
        return " ".join(self.codes) or self.error or "ok"


class Crowd:
    """Processes with clients of their own, that act on one database."""

    def __init__(self, uri: str, name: str) -> None:
        spawning = multiprocessing.get_context("spawn")
        # Kept: the system forgets it with this reference, perhaps before a process has started.
        self._barrier = spawning.Barrier(CROWD)
        pipes = [spawning.Pipe() for _ in range(PROCESSES)]
        self._ends = [ours for ours, _ in pipes]
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
        """What became of each of at most 32, all begun at the same moment."""
        calls = list(calls)
        assert len(calls) <= CROWD
        # Dealt out like cards, so that neighbours in the list meet from different processes.
        hands: list[Sequence[Call]] = [calls[n::PROCESSES] for n in range(PROCESSES)]
        for end, hand in zip(self._ends, hands, strict=True):
            end.send(hand)
        dealt = [self._received(end) for end in self._ends]
        return [dealt[n % PROCESSES][n // PROCESSES] for n in range(len(calls))]

    @staticmethod
    def _received(end: Connection) -> list[Outcome]:
        assert end.poll(2 * PATIENCE), "one of the crowd's processes does not answer"
        outcomes: list[Outcome] = end.recv()
        return outcomes


def _serve(uri: str, name: str, end: Connection, barrier: Barrier) -> None:
    """Takes part in whatever comes, until the process is ended."""
    services = build_services(mongo_store(open_database(uri, name), deadline=PATIENCE))

    def take_part(what: Call | None) -> Outcome:
        _connect(services)
        barrier.wait(PATIENCE)
        return Outcome() if what is None else _outcome(partial(what.perform, services))

    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            hand = end.recv()
            idle = [None] * (THREADS - len(hand))
            end.send(list(threads.map(take_part, [*hand, *idle]))[: len(hand)])


def _connect(services: Services) -> None:
    """Every thread has its connection before it starts, however busy the machine is."""
    for _ in range(MAX_TRIES):
        with suppress(Unavailable):
            return services.health.check()
    raise TimeoutError("the database does not answer")


def _outcome(perform: Callable[[], Any]) -> Outcome:
    try:
        return Outcome(perform())
    except Refused as error:
        return Outcome(error="Refused", codes=tuple(reason.code for reason in error.reasons))
    except DomainError as error:
        return Outcome(error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - what must not happen is for the test to tell
        return Outcome(error=repr(error))


def create_once(services: Services, key: str, **given: Any) -> tuple[StoredResponse, bool]:
    """Creates a task under a key; the answer's body is its id."""

    def create() -> StoredResponse:
        task = services.tasks.create(**given)
        return StoredResponse(status=201, headers={}, body=task.id.encode())

    return services.idempotency.run(key, b"fingerprint", create, by=given["by"])
