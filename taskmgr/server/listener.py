"""The address that the service listens on: taken before anything is started, or refused in a line."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

from taskmgr.domain.model.errors import CannotStart

T = TypeVar("T")

# Seconds. The workers of a killed master let go of the port when they notice, within one.
_PATIENCE = 3.0
_BACKLOG = 2048
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach what listens everywhere


def take(bind: str) -> socket.socket:
    """A socket bound to HOST:PORT; clients are still turned away. Raises `CannotStart`."""
    host, _, port = bind.rpartition(":")
    return _patiently(bind, lambda: _bound(host.strip("[]"), int(port)))


def open_up(listener: socket.socket, bind: str) -> None:
    """From now on, clients wait to be served. Raises `CannotStart` where another was quicker."""
    _patiently(bind, lambda: listener.listen(_BACKLOG))


def shown(listener: socket.socket) -> str:
    """The address for a client on this machine, as the start of a URL."""
    host, port = listener.getsockname()[:2]
    host = _ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found


def _patiently(bind: str, attempt: Callable[[], T]) -> T:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return attempt()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CannotStart(
                    f"{bind} {_why(error)}: choose another address with --bind or TASKMGR_BIND."
                ) from error
        time.sleep(0.1)


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use by another program"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "is no address of this machine"
    return f"cannot be listened on ({os.strerror(error.errno or 0)})"
