"""`GET /metrics`: what the processes of a running service count, added up."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.running import Service, free_port, is_running, serving, wait_until

TASKS = "/api/v1/tasks"
Labels = dict[str, str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two workers and metrics, that all tests of this file share."""
    place = tmp_path_factory.mktemp("m")
    with serving(place, "--bind", "127.0.0.1:0", METRICS_BIND=f"127.0.0.1:{free_port()}") as running:
        yield running


def scrape(service: Service) -> list[tuple[str, Labels, float]]:
    """The samples: name, labels and value."""
    with urllib.request.urlopen(f"http://{service.settings['METRICS_BIND']}/metrics", timeout=30) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def value(service: Service, name: str, **labels: str) -> float:
    """The sum of the samples with this name and at least these labels."""
    return sum(
        number
        for found, having, number in scrape(service)
        if found == name and labels.items() <= having.items()
    )


def grows(service: Service, name: str, *, by: float, before: float, **labels: str) -> bool:
    return wait_until(lambda: value(service, name, **labels) == before + by)


def test_requests_are_counted_by_route_and_status_over_all_workers(service: Service) -> None:
    task = service.create("Counted")
    labels = {"method": "GET", "route": f"{TASKS}/<task_id>", "status": "200"}
    before = value(service, "taskmgr_http_requests_total", **labels)
    for _ in range(20):  # each on a new connection, so both workers answer
        service.call("GET", f"{TASKS}/{task}")

    assert grows(service, "taskmgr_http_requests_total", by=20, before=before, **labels)
    durations = {name: labels[name] for name in ("method", "route")}
    assert value(service, "taskmgr_http_request_seconds_count", **durations) >= 20
    assert value(service, "taskmgr_http_request_seconds_bucket", le="+Inf", **durations) >= 20


def test_paths_that_match_no_route_share_one_label(service: Service) -> None:
    before = value(service, "taskmgr_http_requests_total", route="none")
    for name in ("wp-admin", "x" * 500, ".env"):
        service.ask("GET", f"/{name}")

    assert grows(service, "taskmgr_http_requests_total", by=3, before=before, route="none")
    assert not any("wp-admin" in label for _, labels, _ in scrape(service) for label in labels.values())


def test_refusals_are_counted_by_the_code_of_the_rule(service: Service) -> None:
    before = value(service, "taskmgr_refusals_total", code="assignee_required")
    task = service.create("Without anybody")
    status, problem = service.call("PUT", f"{TASKS}/{task}/status", {"status": "in_progress"})
    assert (status, problem["code"]) == (409, "refused"), problem
    codes = [reason["code"] for reason in problem["reasons"]]

    assert "assignee_required" in codes
    assert grows(service, "taskmgr_refusals_total", by=1, before=before, code="assignee_required")
    line = next(line for line in service.err.splitlines() if '"refusals"' in line)
    assert '"assignee_required"' in line


def test_attempts_to_sign_in_are_counted_by_their_outcome(service: Service) -> None:
    before = value(service, "taskmgr_sign_ins_total", method="password", outcome="wrong_credentials")
    body = {"username": "nobody", "password": "wrong wrong wrong"}
    service.ask("POST", "/api/v1/auth/sessions", body, headers={"Sec-Fetch-Site": "same-origin"})

    labels = {"method": "password", "outcome": "wrong_credentials"}
    assert grows(service, "taskmgr_sign_ins_total", by=1, before=before, **labels)


def test_the_database_s_commands_and_the_caches_are_counted(service: Service) -> None:
    service.create("Stored")
    for _ in range(4):
        service.titles()

    assert (
        value(service, "taskmgr_database_commands_total", command="commitTransaction", outcome="success") >= 1
    )
    for name in ("taskmgr_identity_lookups_total", "taskmgr_record_lookups_total"):
        assert wait_until(lambda name=name: value(service, name, result="hit") >= 1), name
        assert value(service, name, result="miss") >= 1


def test_the_background_process_tells_of_tasks_the_feed_and_the_disk(service: Service) -> None:
    assert wait_until(lambda: value(service, "taskmgr_database_available") == 1)

    assert {labels["status"] for name, labels, _ in scrape(service) if name == "taskmgr_tasks"} >= {"todo"}
    assert value(service, "taskmgr_data_free_bytes") > 0
    names = {name for name, _, _ in scrape(service)}
    assert names >= {"taskmgr_feed_position", "taskmgr_feed_lag_entries", "taskmgr_feed_lag_seconds"}


def test_only_the_path_of_the_metrics_is_answered_and_never_by_the_public_listener(service: Service) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://{service.settings['METRICS_BIND']}/api/v1/tasks", timeout=30)
    assert caught.value.code == 404
    assert service.ask("GET", "/metrics")[0] == 404


def test_the_counts_of_killed_processes_are_kept_and_their_gauges_are_not(place: Path) -> None:
    with serving(place, "--bind", "127.0.0.1:0", METRICS_BIND=f"127.0.0.1:{free_port()}") as service:
        for _ in range(10):
            service.create("Before the kill")
        route = {"method": "POST", "route": TASKS}
        assert wait_until(lambda: value(service, "taskmgr_http_requests_total", **route) == 10)
        starts = value(service, "taskmgr_process_starts_total", process="worker")
        for worker in service.workers:
            os.kill(worker, signal.SIGKILL)
        assert wait_until(
            lambda: value(service, "taskmgr_process_starts_total", process="worker") == starts + 2
        )

        assert value(service, "taskmgr_http_requests_total", **route) == 10
        background = service.background()
        os.kill(background, signal.SIGKILL)
        service.background(after=background)
        assert wait_until(lambda: value(service, "taskmgr_process_starts_total", process="background") == 2)
        assert value(service, "taskmgr_http_requests_in_progress") == 0


def test_counting_goes_on_after_a_reload_whose_old_workers_have_ended(place: Path) -> None:
    with serving(place, "--bind", "127.0.0.1:0", METRICS_BIND=f"127.0.0.1:{free_port()}") as service:
        service.create("Before the reload")
        old = service.workers
        service.signal(signal.SIGHUP)
        assert wait_until(lambda: not any(is_running(worker) for worker in old))
        service.create("After the reload")

        route = {"method": "POST", "route": TASKS, "status": "201"}
        assert wait_until(lambda: value(service, "taskmgr_http_requests_total", **route) == 2)


def test_an_address_in_use_ends_the_start_unless_it_is_the_default_one(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        service = Service(place, METRICS_BIND=address)
        assert service.ends() == 1

    assert f"{address} is in use by another program" in service.err
    assert "TASKMGR_METRICS_BIND" in service.err
