"""Tells all processes of the service that it is about to stop."""

from __future__ import annotations

import mmap
from contextlib import AbstractContextManager
from dataclasses import dataclass

from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.ports.store import Health


class ShutdownFlag:
    """A flag in shared memory, which forked processes inherit: true once the shutdown has begun."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        self._byte[0] = 1

    def __bool__(self) -> bool:
        return self._byte[0] == 1


@dataclass(frozen=True, slots=True)
class HealthUntilShutdown:
    """A store's `Health` that fails its check once the shutdown has begun."""

    health: Health
    shutdown: ShutdownFlag

    def check(self) -> None:
        if self.shutdown:
            raise Unavailable("The service is stopping.")
        self.health.check()

    def latest_write(self) -> str | None:
        return self.health.latest_write()

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        return self.health.deadline(seconds)
