"""Sends requests to other machines: the only outgoing connections besides the database's.

A host is resolved once; if one of its addresses is not permitted, none is called. The connection goes to an
address that was checked, so a name that changes its address in between gains nothing. Redirects are not
followed, and no proxy is used.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, IncompleteRead
from io import BufferedReader, RawIOBase
from threading import Timer
from typing import Any

from taskmgr.domain.ports.outgoing import CallFailed, ForbiddenUrl, Reply
from taskmgr.infrastructure.outside.addresses import Address, Network, is_permitted, reserved_for, unmapped
from taskmgr.infrastructure.outside.resolver import DnsResolver
from taskmgr.infrastructure.outside.urls import Target, parse_url

DEFAULT_PORTS = (80, 443)
SECONDS = 15.0  # of a whole call, from the lookup of the host to the end of the answer
MAX_ANSWER = 64 * 1024  # bytes of head and body that are read
_CHECK_SECONDS = 5.0  # for the lookup of a host that is only checked
_CONNECT_SECONDS = 5.0  # for one address, if the host has others
_TOO_LATE = "The answer was not complete after {:g} seconds."

# The context with the certificates of the system, which take time to load.
default_context = cache(ssl.create_default_context)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardedClient:
    """Implements `Outgoing`. `networks` are permitted although their addresses are not public."""

    networks: Collection[Network] = ()
    ports: Collection[int] = DEFAULT_PORTS
    resolver: DnsResolver = field(default_factory=DnsResolver)
    tls: Callable[[], ssl.SSLContext] = default_context
    seconds: float = SECONDS

    def check(self, url: str) -> None:
        self._permitted_addresses(parse_url(url, self.ports), _CHECK_SECONDS)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        return self._call("POST", url, body, headers)

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Sends a GET request and returns the answer, whatever its status. Raises `CallFailed`."""
        return self._call("GET", url, None, headers)

    def _call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        deadline = time.monotonic() + self.seconds
        target = parse_url(url, self.ports)
        addresses = self._permitted_addresses(target, self.seconds)
        try:
            with self._connected(target, addresses, deadline) as connection:
                reply = _exchange(connection, method, target, body, headers)
        except (OSError, HTTPException) as error:
            is_late = time.monotonic() >= deadline
            raise CallFailed(_TOO_LATE.format(self.seconds) if is_late else _text_of(error)) from error
        if time.monotonic() >= deadline:
            raise CallFailed(_TOO_LATE.format(self.seconds))
        return reply

    def _permitted_addresses(self, target: Target, seconds: float) -> list[Address]:
        """Returns the addresses of the host. Raises `ForbiddenUrl` unless all of them are permitted."""
        found = [target.address] if target.address else self.resolver.addresses(target.host, seconds)
        for address in found:
            if not is_permitted(address, self.networks):
                which = "" if target.address else f" of {target.host}"
                raise ForbiddenUrl(
                    f"The address {address}{which} is {reserved_for(address)}. Only public addresses are "
                    "permitted, and the networks in TASKMGR_OUTGOING_NETWORKS."
                )
        return [unmapped(address) for address in found]

    @contextmanager
    def _connected(
        self, target: Target, addresses: list[Address], deadline: float
    ) -> Iterator[socket.socket]:
        """Yields a connection that is shut down at the deadline."""
        with _first_that_answers(addresses, target.port, deadline) as plain, _shut_down_at(deadline, plain):
            if not target.is_secure:
                yield plain
                return
            with self.tls().wrap_socket(plain, server_hostname=target.host) as secure:
                yield secure


def _first_that_answers(addresses: list[Address], port: int, deadline: float) -> socket.socket:
    *others, last = addresses
    for address in others:
        with suppress(OSError):
            return _connect(address, port, min(deadline, time.monotonic() + _CONNECT_SECONDS))
    return _connect(last, port, deadline)


def _connect(address: Address, port: int, deadline: float) -> socket.socket:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return socket.create_connection((str(address), port), timeout=seconds)


@contextmanager
def _shut_down_at(deadline: float, connection: socket.socket) -> Iterator[None]:
    """Shuts the connection down at the deadline. The socket's time-out starts anew with every byte."""
    with connection.dup() as same:  # the connection itself may be taken over by TLS
        timer = Timer(max(0.0, deadline - time.monotonic()), _shut_down, [same])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _exchange(
    connection: socket.socket, method: str, target: Target, body: bytes | None, headers: Mapping[str, str]
) -> Reply:
    """Sends the request and reads the answer, but no more than `MAX_ANSWER` bytes of it."""
    http = HTTPConnection(target.host, target.port)
    http.auto_open = 0  # it must not connect by itself
    bounded = _Bounded(connection)
    http.sock = bounded
    own = {"Host": target.authority, "Accept-Encoding": "identity", "Connection": "close"}
    http.request(method, target.path, body, {**headers, **own})
    with closing(http.getresponse()) as response:
        if bounded.is_exhausted:
            raise HTTPException  # the head did not end
        try:
            content = response.read(MAX_ANSWER)
        except IncompleteRead as cut:
            content = cut.partial
        return Reply(status=response.status, retry_after=response.headers.get("Retry-After"), body=content)


class _Bounded(RawIOBase):
    """A connection as `http.client` uses it, whose answer seems to end after `MAX_ANSWER` bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = MAX_ANSWER

    @property
    def is_exhausted(self) -> bool:
        return self._left == 0

    def sendall(self, data: Any) -> None:
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> BufferedReader:
        return BufferedReader(self)

    def close(self) -> None:
        """Leaves the connection open; whoever opened it closes it."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.is_exhausted:
            return 0
        received = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= received
        return received


def _text_of(error: OSError | HTTPException) -> str:
    """Returns why a call failed, in a sentence without data that was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not valid: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return "The TLS connection failed."
    if isinstance(error, TimeoutError):
        return "The connection could not be opened in time."
    if isinstance(error, HTTPException):
        return "The answer is not HTTP, is too long, or ended too early."
    return f"The connection failed: {error.strerror or type(error).__name__}."
