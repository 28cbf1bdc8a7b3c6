"""The service's end and its reload: nobody who is being served notices."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import time
from pathlib import Path

from tests.running import (
    PATIENCE,
    Clients,
    Service,
    database_servers_in,
    serving,
    wait_until,
)

TASKS = "/api/v1/tasks?limit=1"
POLICY = "[limits]\nwip = {}\n"
OTHER_WORKFLOW = """
[workflow]
initial = "new"
statuses.new = { category = "unstarted", leads_to = ["solved", "rejected"] }
statuses.solved = { category = "completed" }
statuses.rejected = { category = "cancelled" }
"""


# --- end


class HalfARequest:
    """A creation whose body has not arrived in full yet."""

    def __init__(self, service: Service, title: str = "Sent slowly", **more: str) -> None:
        body = json.dumps({"title": title, **more}).encode()
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
        self._connection.putrequest("POST", "/api/v1/tasks")
        self._connection.putheader("Authorization", f"Bearer {service.token}")
        self._connection.putheader("Content-Type", "application/json")
        self._connection.putheader("Content-Length", str(len(body)))
        self._connection.endheaders(body[:5])
        self._rest = body[5:]

    def status_of_the_rest(self) -> int:
        self._connection.send(self._rest)
        with contextlib.closing(self._connection):
            return self._connection.getresponse().status


def turns_clients_away(service: Service) -> bool:
    try:
        service.call("GET", "/healthz")
    except OSError:
        return True
    return False


def test_at_the_end_readiness_fails_first_and_requests_in_flight_are_answered(place: Path) -> None:
    with serving(place) as service:
        slow = HalfARequest(service)
        assert wait_until(lambda: service.call("GET", "/readyz")[0] == 200)
        service.signal(signal.SIGTERM)
        assert wait_until(lambda: service.call("GET", "/readyz")[0] == 503)
        told = service.call("GET", "/readyz")[1]
        still_served = service.create("While it is not ready any more")
        assert wait_until(lambda: turns_clients_away(service))
        answered = slow.status_of_the_rest()
        status = service.ends()

    assert still_served
    assert (told["code"], told["detail"]) == ("unavailable", "The service is stopping.")
    assert (answered, status, database_servers_in(place)) == (201, 0, [])
    assert "Traceback" not in service.err


def test_ctrl_c_reaches_all_processes_and_ends_the_service_as_quietly(place: Path) -> None:
    with serving(place, "--bind", "127.0.0.1:0", "--workers", "1", LOG_FORMAT="text") as service:
        slow = HalfARequest(service)
        assert service.call("GET", "/readyz")[0] == 200
        os.killpg(service.process.pid, signal.SIGINT)
        assert wait_until(lambda: turns_clients_away(service))
        answered = slow.status_of_the_rest()
        status = service.ends()

    assert (answered, status, database_servers_in(place)) == (201, 0, [])
    ours = [line for line in service.err.splitlines() if "[taskmgr.access]" not in line]
    assert len(ours) == 1, service.err
    assert "stopping" in ours[0]


# --- reload


def test_a_reload_reads_the_policy_anew_without_a_failed_request_and_refuses_a_broken_one(
    place: Path,
) -> None:
    policy = place / "policy.toml"
    policy.write_text(POLICY.format(5))
    with serving(place, POLICY=str(policy)) as service:
        first = service.workers
        with (
            Clients(lambda _: service.call("GET", TASKS)[0]) as clients,
            Clients(lambda _: service.call("GET", "/readyz")[0], number=1) as probe,
        ):
            policy.write_text(POLICY.format(7))
            service.signal(signal.SIGHUP)
            assert wait_until(lambda: not set(first) & set(service.workers))
            second = service.workers

            policy.write_text(POLICY.format("'many'"))
            service.signal(signal.SIGHUP)
            assert wait_until(lambda: "not reloaded" in service.err)
            time.sleep(0.5)
        limit = service.call("GET", "/api/v1/workflow")[1]["limits"]["wip"]

        assert (len(second), service.workers, limit) == (2, second, 7)
    assert set(clients.answers) == set(probe.answers) == {200}, (clients.answers, probe.answers, service.err)


def test_a_reload_refuses_a_policy_without_a_status_that_stored_tasks_have(place: Path) -> None:
    policy = place / "policy.toml"
    policy.write_text("")
    with serving(place, POLICY=str(policy)) as service:
        task = service.create("Stays where it is")
        before = service.workers
        policy.write_text(OTHER_WORKFLOW)
        service.signal(signal.SIGHUP)
        assert wait_until(lambda: "not reloaded" in service.err)

        assert "todo (1 task)" in service.err
        assert service.workers == before
        assert service.call("GET", f"/api/v1/tasks/{task}")[0] == 200
