"""Sends traces by OpenTelemetry, if its environment variables say where to: an optional extra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from flask import Flask

from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.ports.store import Store

T = TypeVar("T")

_MISSING = (
    "The OTEL_… variables ask for traces, but OpenTelemetry is not installed. Install it in the folder of "
    "the repository: "
    ".venv/bin/python -m pip install --no-deps --require-hashes --requirement requirements-otel.txt"
)


class Tracing:
    """The traces of one worker: a span for each request, for each command, and for each call of the database.

    Create it after the fork, because it has a thread that sends, and before the database is opened.
    """

    def __init__(self, exporter: str) -> None:
        """`exporter` is a value of OTEL_TRACES_EXPORTER: `otlp` or `console`."""
        require_packages()
        from opentelemetry import trace
        from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create()
        if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "taskmgr"}))
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(_exporter(exporter)))
        trace.set_tracer_provider(provider)
        PymongoInstrumentor().instrument(tracer_provider=provider)
        self._provider = provider
        self._trace = trace

    def of_store(self, store: Store) -> Store:
        """Returns the store with a span for each command."""
        tracer = self._provider.get_tracer("taskmgr")
        return replace(store, unit_of_work=_TracedUnitOfWork(store.unit_of_work, tracer))

    def of_app(self, app: Flask) -> None:
        """Adds a span for each request to an application."""
        from opentelemetry.instrumentation.flask import FlaskInstrumentor

        FlaskInstrumentor().instrument_app(app, tracer_provider=self._provider)  # type: ignore[no-untyped-call]

    def trace_id(self) -> str | None:
        """Returns the id of the current trace in hexadecimal digits, or None outside of traces."""
        context = self._trace.get_current_span().get_span_context()
        return format(context.trace_id, "032x") if context.is_valid else None


def require_packages() -> None:
    """Raises `CannotStart` if the packages of the extra are not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.instrumentation.flask
        import opentelemetry.instrumentation.pymongo
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise CannotStart(_MISSING) from error


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


class _TracedUnitOfWork:
    """A `UnitOfWork` whose commands have spans."""

    def __init__(self, unit_of_work: Any, tracer: Any) -> None:
        self._unit_of_work = unit_of_work
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit_of_work, name)

    def run(self, command: Callable[[], T], *, dry_run: bool = False, seconds: float | None = None) -> T:
        with self._tracer.start_as_current_span("command", attributes={"taskmgr.dry_run": dry_run}):
            result: T = self._unit_of_work.run(command, dry_run=dry_run, seconds=seconds)
            return result
