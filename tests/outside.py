"""Other machines for tests: a server that answers as a function tells it, and a DNS server."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from dnslib import AAAA, QTYPE, RCODE, RR, A
from dnslib.server import BaseResolver, DNSServer

from taskmgr.domain.ports.outgoing import Reply
from taskmgr.infrastructure.outside.addresses import Address
from taskmgr.infrastructure.outside.client import GuardedClient
from taskmgr.infrastructure.outside.resolver import DnsResolver

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Machine:
    """A server on a port of its own; `requests` are the heads that it received."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def url(self, host: str = "127.0.0.1", path: str = "/hook", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


Answer = Callable[[socket.socket], None]


@contextmanager
def accepting(serve: Answer, *, address: str = "127.0.0.1", port: int = 0) -> Iterator[Machine]:
    """Yields a server that passes each connection to a function, in a thread of its own."""
    server = socket.create_server((address, port))
    machine = Machine(server.getsockname()[1])

    def serve_and_close(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(30)
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                machine.connections += 1
                threading.Thread(target=serve_and_close, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with server:
        yield machine
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


@contextmanager
def listening(
    answer: bytes | Answer = OK,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Machine]:
    """Yields an HTTP server that answers every request with these bytes, or by calling this function."""

    def serve(connection: socket.socket) -> None:
        with tls.wrap_socket(connection, server_side=True) if tls else connection as plain:
            machine.requests.append(_read_request(plain))
            if callable(answer):
                answer(plain)
            else:
                plain.sendall(answer)

    with accepting(serve, address=address, port=port) as machine:
        yield machine


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


class _Zone(BaseResolver):  # type: ignore[misc]
    """Answers each question for a name with its next list of addresses, or else with its last."""

    def __init__(self, zone: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.zone = zone
        self.questions: Counter[tuple[str, str]] = Counter()

    def resolve(self, request: Any, _handler: Any) -> Any:
        reply = request.reply()
        name, kind = str(request.q.qname).rstrip("."), QTYPE[request.q.qtype]
        lists = self.zone.get(name)
        if lists is None:
            reply.header.rcode = RCODE.NXDOMAIN
            return reply
        addresses = lists[min(self.questions[name, kind], len(lists) - 1)]
        self.questions[name, kind] += 1
        for address in addresses:
            if (":" in address) == (kind == "AAAA"):
                data = AAAA(address) if ":" in address else A(address)
                reply.add_answer(RR(request.q.qname, request.q.qtype, ttl=0, rdata=data))
        return reply


@contextmanager
def name_server(**names: Sequence[Sequence[str]]) -> Iterator[tuple[DnsResolver, Counter[tuple[str, str]]]]:
    """Yields a resolver that asks a DNS server of the test, and the questions that the server was asked.

    Each name is one label below `example.org`, with the addresses that it has for one question after another.
    """
    zone = _Zone({f"{name}.example.org": answers for name, answers in names.items()})
    server = DNSServer(zone, address="127.0.0.1", port=0, logger=_Silent())
    server.start_thread()
    try:
        yield DnsResolver(("127.0.0.1",), server.server.server_address[1]), zone.questions
    finally:
        server.stop()
        server.server.server_close()


class _PublicHosts(DnsResolver):
    """Finds the same public address for every host, without asking anybody."""

    def addresses(self, host: str, seconds: float) -> list[Address]:
        is_local = host == "localhost" or host.endswith(".localhost")
        return super().addresses(host, seconds) if is_local else [ip_address("93.184.216.34")]


class ManyReceivers:
    """Implements `Outgoing` with the checks of the real client, but without a connection."""

    def __init__(self) -> None:
        self._client = GuardedClient(resolver=_PublicHosts())

    def check(self, url: str) -> None:
        self._client.check(url)

    def post(self, url: str, _body: bytes, _headers: Mapping[str, str]) -> Reply:
        self.check(url)
        return Reply(status=200, retry_after=None, body=b"ok")


class _Silent:
    """A logger of dnslib that logs nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def make_certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Makes a certificate for these names; returns a context for its server and one for a client."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    alternatives = ",".join(f"DNS:{name}" for name in names)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=tests", "-addext", f"subjectAltName={alternatives}",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    return server, client
