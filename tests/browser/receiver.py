"""A receiver of webhooks, and the settings with which a service may call it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.running import free_port

ATTACK = "<img src=x onerror=alert(1)>"


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers every message with something that must not be taken for HTML."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ATTACK.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving() -> Iterator[tuple[str, dict[str, str]]]:
    """Runs a receiver; yields its address and the settings."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        settings = {"OUTGOING_NETWORKS": "127.0.0.0/8", "OUTGOING_PORTS": str(port)}
        yield f"http://127.0.0.1:{port}/hook", settings
        server.shutdown()
