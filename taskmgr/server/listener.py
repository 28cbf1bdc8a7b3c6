"""Binds the socket that the service listens on, before anything else is started."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

from taskmgr.domain.model.errors import CannotStart

T = TypeVar("T")

# Seconds. If a master is killed, its workers notice and close the port within one second.
_MAX_WAIT = 3.0
_BACKLOG = 2048
# Where a client on this machine reaches a server that listens on all addresses.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def bind_socket(address: str) -> socket.socket:
    """Returns a socket bound to HOST:PORT, which refuses connections until `start_listening`.

    Raises `CannotStart` if the address is in use or is not one of this machine.
    """
    host, _, port = address.rpartition(":")
    return _retry_while_in_use(address, lambda: _bind(host.strip("[]"), int(port)))


def start_listening(listener: socket.socket, address: str) -> None:
    """Lets clients connect; they wait until a worker accepts the connection.

    Raises `CannotStart` if another program has begun to listen on the same address.
    """
    _retry_while_in_use(address, lambda: listener.listen(_BACKLOG))


def url_of(listener: socket.socket) -> str:
    """Returns the URL of the service for a client on this machine, without a path."""
    host, port = listener.getsockname()[:2]
    host = _LOOPBACK.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _retry_while_in_use(address: str, action: Callable[[], T]) -> T:
    deadline = time.monotonic() + _MAX_WAIT
    while True:
        try:
            return action()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CannotStart(
                    f"{address} {_reason(error)}: choose another address with --bind or TASKMGR_BIND."
                ) from error
        time.sleep(0.1)


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use by another program"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "is not an address of this machine"
    return f"cannot be listened on ({os.strerror(error.errno or 0)})"
