"""Calls of other machines, over real connections, with a DNS server of the test."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from taskmgr.domain.ports.outgoing import CallFailed, ForbiddenUrl
from taskmgr.infrastructure.outside.client import MAX_ANSWER, GuardedClient
from taskmgr.infrastructure.outside.resolver import DnsResolver
from tests.needed import needs
from tests.outside import OK, accepting, listening, make_certificate, name_server
from tests.running import free_port

HERE = (ip_network("127.0.0.1/32"),)
SHORT = 0.5  # seconds
# How long a call may take that has to end after `SHORT`, on a busy machine.
SOON = 5.0


def client(**options: Any) -> GuardedClient:
    return GuardedClient(**{"networks": HERE, "ports": range(1, 65_536), **options})


# --- what is sent and received


def test_a_permitted_receiver_gets_the_request_and_its_answer_is_returned() -> None:
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nlate"
    with listening(answer) as machine:
        reply = client().post(machine.url(path="/a?b=c"), b'{"x":1}', {"webhook-id": "1:2"})

    assert (reply.status, reply.retry_after, reply.body) == (503, "7", b"late")
    head, _, body = machine.requests[0].partition(b"\r\n\r\n")
    first, *headers = head.decode().splitlines()
    assert first == "POST /a?b=c HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: identity", "Connection: close", "Content-Length: 7",
        f"Host: 127.0.0.1:{machine.port}", "webhook-id: 1:2",
    ]  # fmt: skip
    assert body == b'{"x":1}'


def test_an_answer_in_chunks_is_joined() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with listening(chunks) as machine:
        assert client().post(machine.url(), b"", {}).body == b"abcde"


def test_the_name_localhost_is_the_loopback_address_if_that_is_permitted() -> None:
    with listening() as machine:
        assert client().post(machine.url("localhost"), b"", {}).status == 200
        with pytest.raises(ForbiddenUrl):
            client(networks=()).post(machine.url("localhost"), b"", {})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with listening() as other:
        answer = f"HTTP/1.1 {status} Moved\r\nLocation: {other.url()}\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(answer) as machine:
            reply = client().post(machine.url(), b"", {})

    assert reply.status == status
    assert other.connections == 0


def test_the_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as proxy, listening() as machine:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(path=""))
        client().post(machine.url(), b"", {})

    assert (proxy.connections, machine.connections) == (0, 1)


# --- names


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_called() -> None:
    """DNS rebinding: the name has another address for whoever asks again."""
    with (
        listening() as machine,
        listening(address="127.0.0.9", port=machine.port) as inside,
        name_server(rebinding=[["127.0.0.1"], ["127.0.0.9"]]) as (resolver, questions),
    ):
        guarded = client(resolver=resolver)
        assert guarded.post(machine.url("rebinding.example.org"), b"", {}).status == 200
        assert questions == {("rebinding.example.org", "A"): 1, ("rebinding.example.org", "AAAA"): 1}
        with pytest.raises(ForbiddenUrl, match=r"127\.0\.0\.9 of rebinding\.example\.org is loopback"):
            guarded.post(machine.url("rebinding.example.org"), b"", {})

    assert (machine.connections, inside.connections) == (1, 0)


def test_a_name_that_is_checked_when_stored_is_checked_again_when_called() -> None:
    with (
        listening(address="127.0.0.9") as inside,
        name_server(rebinding=[["127.0.0.1"], ["127.0.0.9"]]) as (resolver, _),
    ):
        guarded = client(resolver=resolver)
        guarded.check(inside.url("rebinding.example.org"))
        with pytest.raises(ForbiddenUrl):
            guarded.post(inside.url("rebinding.example.org"), b"", {})

    assert inside.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1", "10.0.0.1"],
        ["10.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "::1"],
        ["127.0.0.1", "64:ff9b::a00:1"],
        ["127.0.0.1", "::ffff:a9fe:a9fe"],
    ],
)
def test_one_address_that_is_not_permitted_suffices_to_refuse_a_name(addresses: list[str]) -> None:
    with (
        listening() as machine,
        name_server(mixed=[addresses]) as (resolver, _),
        pytest.raises(ForbiddenUrl),
    ):
        client(resolver=resolver).post(machine.url("mixed.example.org"), b"", {})

    assert machine.connections == 0


def test_the_next_address_is_called_if_one_does_not_answer() -> None:
    networks = [ip_network("127.0.0.0/8")]
    with listening() as machine, name_server(several=[["127.0.0.8", "127.0.0.1"]]) as (resolver, _):
        reply = client(resolver=resolver, networks=networks).post(machine.url("several.example.org"), b"", {})

    assert reply.status == 200


def test_an_unknown_name_is_reported() -> None:
    with name_server(known=[["127.0.0.1"]], empty=[[]]) as (resolver, _):
        for name in ("unknown", "empty"):
            with pytest.raises(CallFailed, match=rf"The host {name}\.example\.org has no address in the DNS"):
                client(resolver=resolver).check(f"http://{name}.example.org/")


def test_a_dns_server_that_does_not_answer_takes_no_longer_than_the_call_may() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = DnsResolver(("127.0.0.1",), silent.getsockname()[1])
        started = time.monotonic()
        with pytest.raises(CallFailed, match="did not answer in time"):
            client(resolver=resolver, seconds=SHORT).post("http://slow.example.org/", b"", {})

    assert time.monotonic() - started < SOON


# --- TLS


@needs("openssl", "openssl")
def test_the_certificate_is_checked_for_the_name_which_the_server_is_told(tmp_path: Path) -> None:
    server, trusting = make_certificate(tmp_path, "hooks.example.org")
    told: list[str | None] = []
    server.sni_callback = lambda _connection, name, _context: told.append(name)
    with (
        listening(tls=server) as machine,
        name_server(hooks=[["127.0.0.1"]], other=[["127.0.0.1"]]) as (resolver, _),
    ):
        guarded = client(resolver=resolver, tls=lambda: trusting)
        assert guarded.post(machine.url("hooks.example.org", scheme="https"), b"{}", {}).body == b"ok"
        assert told == ["hooks.example.org"]
        with pytest.raises(CallFailed, match=r"The certificate is not valid: .*other"):
            guarded.post(machine.url("other.example.org", scheme="https"), b"{}", {})
        with pytest.raises(CallFailed, match="The certificate is not valid"):
            client(resolver=resolver).post(machine.url("hooks.example.org", scheme="https"), b"{}", {})

    assert len(machine.requests) == 1


def test_a_server_without_tls_is_no_receiver_of_https() -> None:
    with (
        accepting(lambda connection: connection.sendall(OK)) as machine,
        pytest.raises(CallFailed, match="TLS connection failed"),
    ):
        client().post(machine.url(scheme="https"), b"{}", {})


# --- time and size


def dripping(head: bytes) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            time.sleep(SHORT / 5)
            connection.sendall(b"x")

    return drip


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "head",
    [b"", HEAD, HEAD + b"X-Endless: ", HEAD + b"Content-Length: 9999\r\n\r\n", HEAD + b"\r\n",
     HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"],
)  # fmt: skip
def test_an_answer_that_drips_ends_with_the_time_of_the_call(head: bytes) -> None:
    with listening(dripping(head)) as machine:
        started = time.monotonic()
        with pytest.raises(CallFailed, match=r"not complete after 0\.5 seconds"):
            client(seconds=SHORT).post(machine.url(), b"", {})

    assert time.monotonic() - started < SOON


def test_a_tls_handshake_that_drips_ends_with_the_time_of_the_call() -> None:
    """One record of 16 KiB that arrives byte by byte: each byte would start a time-out of the socket anew."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"\x16\x03\x03" + struct.pack(">H", 16_384))
        while True:
            time.sleep(SHORT / 5)
            connection.sendall(b"\x02")

    with accepting(drip) as machine:
        started = time.monotonic()
        with pytest.raises(CallFailed, match="not complete after"):
            client(seconds=SHORT).post(machine.url(scheme="https"), b"", {})

    assert time.monotonic() - started < SOON


def endless(head: bytes, part: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part)

    return send


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (HEAD + b"\r\n", b"x" * 4096),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", b"x" * 4096),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"f" * 4096),  # an endless size of a chunk
    ],
)
def test_no_more_than_the_beginning_of_an_endless_body_is_read(head: bytes, part: bytes) -> None:
    with listening(endless(head, part)) as machine:
        reply = client().post(machine.url(), b"", {})

    assert reply.status == 200
    assert len(reply.body) < MAX_ANSWER


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"", b"x" * 4096),
        (HEAD, b"X-Filler: " + b"x" * 4096 + b"\r\n"),
        (HEAD, b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_an_endless_head_is_a_failure(head: bytes, part: bytes) -> None:
    with listening(endless(head, part)) as machine, pytest.raises(CallFailed, match="not HTTP, is too long"):
        client().post(machine.url(), b"", {})


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 okay\r\n\r\n", b"\x00\xff"])
def test_what_is_not_http_is_a_failure(answer: bytes) -> None:
    with listening(answer) as machine, pytest.raises(CallFailed):
        client().post(machine.url(), b"", {})


def test_a_receiver_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(CallFailed, match="The connection failed: Connection refused"):
        client().post(f"http://127.0.0.1:{free_port()}/", b"", {})


def test_a_receiver_that_accepts_nothing_takes_no_longer_than_the_call_may() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        started = time.monotonic()
        with pytest.raises(CallFailed):
            client(seconds=SHORT).post(f"http://127.0.0.1:{address[1]}/", b"", {})
        for each in waiting:
            each.close()

    assert time.monotonic() - started < SOON


def test_the_default_context_requires_valid_certificates() -> None:
    tls = GuardedClient().tls()

    assert tls.check_hostname
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert OK.startswith(b"HTTP/1.1 200")
