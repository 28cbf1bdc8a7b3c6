"""Binds the socket that the service listens on, before anything else is started."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from taskmgr.domain.model.errors import CannotStart
from taskmgr.settings import DEFAULT_METRICS_BIND

T = TypeVar("T")

_log = structlog.get_logger("taskmgr.serve")

# Seconds. If a master is killed, its workers notice and close the port within one second.
_MAX_WAIT = 3.0
_BACKLOG = 2048
_REMEDY = "choose another address with --bind or TASKMGR_BIND."
_METRICS_REMEDY = "choose another address with TASKMGR_METRICS_BIND, or set it to nothing for no metrics."
# Where a client on this machine reaches a server that listens on all addresses.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def bind_socket(address: str, *, remedy: str = _REMEDY) -> socket.socket:
    """Returns a socket bound to HOST:PORT, which refuses connections until it listens.

    `remedy` ends the message of the error. Raises `CannotStart` if the address is in use or is not one of
    this machine.
    """
    host, _, port = address.rpartition(":")
    return _retry_while_in_use(address, lambda: _bind(host.strip("[]"), int(port)), remedy)


def bind_metrics(address: str | None) -> socket.socket | None:
    """Returns a socket bound to the address of the metrics, or None for no metrics.

    The default address may be in use by another service on this machine: then there are no metrics. Raises
    `CannotStart` if any other address cannot be used.
    """
    try:
        return None if address is None else bind_socket(address, remedy=_METRICS_REMEDY)
    except CannotStart as error:
        if address != DEFAULT_METRICS_BIND:
            raise
        _log.warning("no metrics", reason=str(error))
        return None


def start_listening(listener: socket.socket, address: str) -> None:
    """Lets clients connect; they wait until a worker accepts the connection.

    Raises `CannotStart` if another program has begun to listen on the same address.
    """
    _retry_while_in_use(address, lambda: listener.listen(_BACKLOG), _REMEDY)


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


def _retry_while_in_use(address: str, action: Callable[[], T], remedy: str) -> T:
    deadline = time.monotonic() + _MAX_WAIT
    while True:
        try:
            return action()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise CannotStart(f"{address} {_reason(error)}: {remedy}") from error
        time.sleep(0.1)


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "is in use by another program"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "is not an address of this machine"
    return f"cannot be listened on ({os.strerror(error.errno or 0)})"
