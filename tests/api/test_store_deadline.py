"""The time that a request may spend on the database, before and after its body arrives."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from taskmgr.api.input.limits import DEFAULT_LIMITS
from taskmgr.domain.ports.store import Health
from taskmgr.domain.services import Services
from tests.api.client import Client

SLOW_START = 0.3  # seconds


@dataclass
class SlowStart:
    """A store's health under which each request loses some time before its body is read."""

    health: Health
    deadlines: list[float] = field(default_factory=list)

    def check(self) -> None:
        self.health.check()

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        self.deadlines.append(seconds)
        if len(self.deadlines) == 1:
            time.sleep(SLOW_START)
        return self.health.deadline(seconds)


def test_the_database_has_no_more_time_after_the_body_than_was_left_before_it(
    client_of: Callable[..., Client], services: Services
) -> None:
    health = SlowStart(services.health)
    client = client_of(over=replace(services, health=health)).as_("member")

    assert client.post("tasks", {"title": "Slow"}).status_code == 201

    before, after = health.deadlines
    assert before == DEFAULT_LIMITS.store_seconds
    assert 0 < after <= before - SLOW_START
