"""Which URLs and addresses may be called."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network

import pytest

from taskmgr.domain.ports.outgoing import ForbiddenUrl
from taskmgr.infrastructure.outside.addresses import is_permitted
from taskmgr.infrastructure.outside.client import GuardedClient
from taskmgr.infrastructure.outside.urls import parse_url
from tests.forbidden_urls import FORBIDDEN, MISSPELT, NOT_PUBLIC, OTHER_PORTS, WRONG_PORTS

PORTS = (80, 443)


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize("url", FORBIDDEN)
def test_a_forbidden_url_is_refused_before_anything_is_opened(url: str) -> None:
    client = GuardedClient()

    with pytest.raises(ForbiddenUrl):
        client.check(url)
    with pytest.raises(ForbiddenUrl):
        client.post(url, b"{}", {})


@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_for_what_it_is(url: str) -> None:
    with pytest.raises(ForbiddenUrl, match=r"^The address \S+ .*is .*\. Only public addresses"):
        GuardedClient().check(url)


@pytest.mark.parametrize("url", [*MISSPELT, *WRONG_PORTS])
def test_a_url_that_can_be_read_in_two_ways_is_refused_for_its_form(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        parse_url(url, range(65_536))


@pytest.mark.parametrize("url", OTHER_PORTS)
def test_another_port_is_refused_with_the_permitted_ones(url: str) -> None:
    with pytest.raises(ForbiddenUrl, match=r"port \d+ is not permitted; permitted are: 80, 443\."):
        parse_url(url, PORTS)


@pytest.mark.parametrize(
    ("url", "authority", "port", "path"),
    [
        ("https://example.org", "example.org", 443, "/"),
        ("HTTPS://Example.ORG/Hook?a=b&c=%20", "example.org", 443, "/Hook?a=b&c=%20"),
        ("http://example.org:80/", "example.org", 80, "/"),
        ("http://example.org:443", "example.org:443", 443, "/"),
        ("https://xn--exmple-cua.org/a;b", "xn--exmple-cua.org", 443, "/a;b"),
        ("https://my_service.internal/", "my_service.internal", 443, "/"),
        ("https://93.184.216.34/", "93.184.216.34", 443, "/"),
        ("https://[2606:4700::1111]:80/x", "[2606:4700::1111]:80", 80, "/x"),
        ("https://1.example.org?q", "1.example.org", 443, "/?q"),
    ],
)
def test_an_ordinary_url_is_read(url: str, authority: str, port: int, path: str) -> None:
    target = parse_url(url, PORTS)

    assert (target.authority, target.port, target.path) == (authority, port, path)
    assert target.is_secure is url.lower().startswith("https")


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.255",
     "2606:4700::1111", "2a00:1450:4001::1", "::ffff:93.184.216.34"],
)  # fmt: skip
def test_a_public_address_is_permitted(address: str) -> None:
    assert is_permitted(ip_address(address), ())


@pytest.mark.parametrize(
    ("network", "address", "outside"),
    [
        ("10.20.0.0/16", "10.20.3.4", "10.21.0.1"),
        ("10.20.0.0/16", "::ffff:10.20.3.4", "::ffff:10.21.0.1"),
        ("fd12::/32", "fd12::1", "fd13::1"),
        ("127.0.0.1/32", "127.0.0.1", "127.0.0.2"),
    ],
)
def test_a_network_of_the_settings_is_permitted_and_nothing_beside_it(
    network: str, address: str, outside: str
) -> None:
    networks = (ip_network(network),)

    assert is_permitted(ip_address(address), networks)
    assert not is_permitted(ip_address(outside), networks)


def test_there_are_at_least_sixty_forbidden_urls_all_different() -> None:
    assert len(set(FORBIDDEN)) == len(FORBIDDEN) >= 60
