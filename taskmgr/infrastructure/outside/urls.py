"""Reads the URLs that may be called. Whatever two programs could understand differently is refused."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

from taskmgr.domain.ports.outgoing import ForbiddenUrl
from taskmgr.infrastructure.outside.addresses import Address

_DEFAULT_PORTS = {"http": 80, "https": 443}
_CHARACTERS = re.compile(r"[!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]{1,5})?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME = 253  # characters of a host name


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The parts of a URL that may be called; `address` is the host's if the URL has an address for a name.

    `path` includes the query, and `host` is as the header `Host` and a certificate have it, without brackets.
    """

    is_secure: bool
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """Returns the value of the header `Host`."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def scheme(self) -> str:
        return "https" if self.is_secure else "http"


def parse_url(url: str, ports: Collection[int]) -> Target:
    """Returns the parts of a URL. Raises `ForbiddenUrl`, also for any port but these."""
    if not _SCHEME.match(url):
        raise ForbiddenUrl("The URL must begin with https:// or http://.")
    if not _CHARACTERS.fullmatch(url):
        raise ForbiddenUrl(
            "The URL must not contain spaces, # or characters outside of ASCII; write the host as xn--…, "
            "and other characters as %XX."
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ForbiddenUrl("The URL is malformed.") from error
    if "@" in parts.netloc:
        raise ForbiddenUrl("The URL must not contain a username or password.")
    found = _HOST_AND_PORT.fullmatch(parts.netloc.lower())
    if found is None:
        raise ForbiddenUrl("The URL needs a host, such as https://example.org/hook.")
    host, address = _host(found["host"])
    port = _DEFAULT_PORTS[parts.scheme] if found[2] is None else int(found[2][1:])
    if port not in ports:
        permitted = ", ".join(map(str, sorted(ports)))
        raise ForbiddenUrl(f"The port {port} is not permitted; permitted are: {permitted}.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_secure=parts.scheme == "https", host=host, port=port, path=path, address=address)


def _host(text: str) -> tuple[str, Address | None]:
    """Returns the host without brackets, and its address if it is one."""
    try:
        if text.startswith("["):
            v6 = IPv6Address(text[1:-1])
            return str(v6), v6
        # Programs read a name that ends in a number as an address, in several ways: 127.1, 0x7f000001, …
        if _NUMBER.fullmatch(text.rstrip(".").rpartition(".")[2]):
            return text, IPv4Address(text)
    except AddressValueError as error:
        detail = "The host is not an address in its usual form, such as 192.0.2.1 or [2001:db8::1]."
        raise ForbiddenUrl(detail) from error
    if len(text) > _MAX_NAME or not all(map(_LABEL.fullmatch, text.split("."))):
        raise ForbiddenUrl("The host is not a name such as example.org, without a dot at the end.")
    return text, None
