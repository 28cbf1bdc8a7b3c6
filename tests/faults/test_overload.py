"""A service that gets more requests than it can answer."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.load import cpu_seconds
from taskmgr.api.overload import RETRY_SECONDS
from tests.running import Service, serving

TASKS = "/api/v1/tasks?limit=50"
SECONDS = 4.0
MANY = 320  # clients, five times as many as a worker works for at once


class Load:
    """Clients that each send a request as soon as the last one is answered.

    `cpu_per_answer` is what the worker spends, in seconds. Unlike the number of answers, it hardly depends on
    what else the machine does.
    """

    def __init__(self, service: Service, clients: int) -> None:
        self._service = service
        (worker,) = service.workers
        cpu_before = cpu_seconds(worker)
        self._end = time.monotonic() + SECONDS
        self.answers: Counter[int] = Counter()
        self.hints: set[str | None] = set()
        threads = [threading.Thread(target=self._send) for _ in range(clients)]
        for thread in threads:
            thread.start()
        self.health = self._check_health()
        for thread in threads:
            thread.join()
        self.cpu_per_answer = (cpu_seconds(worker) - cpu_before) / self.answers.total()

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=60)
        headers = {"Authorization": f"Bearer {self._service.token}"}
        while time.monotonic() < self._end:
            connection.request("GET", TASKS, headers=headers)
            response = connection.getresponse()
            response.read()
            self.answers[response.status] += 1
            if response.status == 503:
                self.hints.add(response.headers["Retry-After"])
        connection.close()

    def _check_health(self) -> list[int]:
        statuses = []
        while time.monotonic() < self._end:
            statuses.append(self._service.call("GET", "/healthz")[0])
            time.sleep(0.2)
        return statuses


def test_too_many_requests_are_refused_cheaply_and_the_others_answered(place: Path) -> None:
    with serving(place, "--bind", "127.0.0.1:0", "--workers", "1") as service:
        for number in range(60):
            service.create(f"Task {number}")
        usual = Load(service, 32)
        many = Load(service, MANY)
        again = Load(service, 32)

        assert set(usual.answers) == {200}
        assert set(many.answers) == {200, 503}
        assert many.hints == {"1"}
        assert set(many.health) == {200}
        # Refusals are cheap and few, so nearly all of the worker's time is left for the others.
        assert many.cpu_per_answer <= 1.5 * max(usual.cpu_per_answer, again.cpu_per_answer)
        assert many.answers[503] <= MANY * (SECONDS / RETRY_SECONDS + 1)
        share = many.answers[200] / min(usual.answers[200], again.answers[200])
        print(f"{share:.0%} of the usual number are answered well")
        assert "overloaded" in service.err
