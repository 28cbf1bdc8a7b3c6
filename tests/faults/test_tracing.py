"""Traces of a running service, as a collector of OpenTelemetry receives them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.running import Service, serving, wait_until


class Collector(ThreadingHTTPServer):
    """Receives spans by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Any] = []
        self.services: set[str] = set()

    def names(self, trace_id: str) -> set[str]:
        return {span.name for span in list(self.spans) if span.trace_id.hex() == trace_id}


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            self.server.services.add(attributes["service.name"])
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Prints nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def service(place: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")  # milliseconds
    with serving(place) as running:
        yield running


def test_a_request_its_command_and_the_calls_of_the_database_are_one_trace(
    service: Service, collector: Collector
) -> None:
    headers = {"X-Request-Id": "traced"}
    assert service.ask("POST", "/api/v1/tasks", {"title": "Traced"}, headers=headers)[0] == 201
    assert wait_until(lambda: '"traced"' in service.err)
    line = next(json.loads(line) for line in service.err.splitlines() if '"traced"' in line)

    expected = {"POST /api/v1/tasks", "command", "taskmgr.insert", "admin.commitTransaction"}
    assert wait_until(lambda: expected <= collector.names(line["trace_id"])), collector.names(
        line["trace_id"]
    )
    assert collector.services == {"taskmgr"}


def test_spans_contain_neither_titles_nor_tokens(service: Service, collector: Collector) -> None:
    service.create("A title nobody may see")
    assert wait_until(lambda: any(span.name == "taskmgr.insert" for span in collector.spans))

    text = str(collector.spans)
    assert "nobody may see" not in text
    assert service.token not in text


def test_without_the_variables_there_are_no_traces(place: Path) -> None:
    with serving(place) as service:
        service.create("Untraced")

        assert "trace_id" not in service.err


def test_an_exporter_that_is_not_supported_ends_the_start(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    service = Service(place)

    assert service.ends() == 1
    assert "OTEL_TRACES_EXPORTER: Must be otlp, console or none." in service.err
