"""Asks the system about the connection of a client, which is None if the server does not tell it."""

from __future__ import annotations

import select
import socket
import sys
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ

_ESTABLISHED = 1  # of TCP_INFO
_SEND_BUFFER = 64 * 1024  # bytes, in the kernel
_MAX_UNSENT = 16 * 1024  # bytes


def bound_send_buffer(connection: socket.socket | None) -> None:
    """Bounds what the kernel keeps for a client that does not read."""
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


def is_backed_up(connection: socket.socket | None) -> bool:
    """Returns True if much of what was sent has not arrived, as far as the system tells (only Linux does)."""
    if connection is None:
        return False
    try:
        unsent = ioctl(connection.fileno(), TIOCOUTQ, bytes(4))
        return int.from_bytes(unsent, sys.byteorder) > _MAX_UNSENT
    except OSError:  # not TCP, or closed
        return False


def wait_until_writable(connection: socket.socket) -> None:
    """Waits until the kernel would accept more, or until the connection ends."""
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    poll.poll()


def has_left(connection: socket.socket | None) -> bool:
    """Returns True if the client has closed the connection, as far as the system tells (only Linux does)."""
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED
    except OSError:  # not TCP, or closed
        return connection.fileno() < 0


def shut_down(connection: socket.socket | None) -> None:
    """Ends the connection, which wakes whoever is writing to it."""
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
