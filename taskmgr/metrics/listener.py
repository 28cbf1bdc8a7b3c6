"""Answers Prometheus: `GET /metrics` on a listener of its own, which is not for the public."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable
from socket import socket
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from taskmgr.metrics.folder import locked, readable_files

_TEXT = "text/plain; charset=utf-8"
_TIMEOUT = 10.0  # seconds, for a client that sends or reads nothing


def answer_prometheus(listener: socket) -> None:
    """Answers on a bound socket, in a thread, for as long as this process lives."""
    Thread(target=_Server(listener).serve_forever, name="metrics", daemon=True).start()


class _Handler(WSGIRequestHandler):
    timeout = _TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Logs nothing: a scrape every few seconds is no news."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, listener: socket) -> None:
        address = listener.getsockname()[:2]
        super().__init__(address, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = address
        self.setup_environ()
        self.set_app(respond)
        self.server_activate()


class ProcessesCollector(Collector):
    """Collects the metrics of all processes."""

    def collect(self) -> Iterable[Metric]:
        return MultiProcessCollector.merge(readable_files())  # type: ignore[no-untyped-call, no-any-return]


def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Is the WSGI application of the listener."""
    status, content_type, body = _answer(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


def _answer(method: str, path: str) -> tuple[str, str, bytes]:
    if path != "/metrics":
        return "404 Not Found", _TEXT, b"The metrics are at /metrics.\n"
    if method != "GET":
        return "405 Method Not Allowed", _TEXT, b"Only GET is allowed.\n"
    registry = CollectorRegistry()
    registry.register(ProcessesCollector())
    with locked(fcntl.LOCK_SH):
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest(registry)
