"""Decides which addresses are public, by tables of our own.

`ipaddress.is_private` and `is_global` miss some ranges that reach the inside of a network. The tables follow
https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4: Mapping[str, str] = {
    "0.0.0.0/8": "unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by the customers of a provider",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "a service inside Azure's networks",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved for protocols",
    "192.0.2.0/24": "reserved for documentation",
    "192.88.99.0/24": "a 6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "reserved for benchmarks",
    "198.51.100.0/24": "reserved for documentation",
    "203.0.113.0/24": "reserved for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
# Of IPv6, only 2000::/3 is public, less these. 2002::/16 and Teredo contain IPv4 addresses.
_IPV6_PUBLIC = IPv6Network("2000::/3")
_IPV6: Mapping[str, str] = {
    "2001::/23": "reserved for protocols",
    "2001:db8::/32": "reserved for documentation",
    "2002::/16": "6to4",
    "3ffe::/16": "reserved",
    "3fff::/20": "reserved for documentation",
}
_RESERVED: tuple[tuple[Network, str], ...] = (
    *((IPv4Network(network), kind) for network, kind in _IPV4.items()),
    *((IPv6Network(network), kind) for network, kind in _IPV6.items()),
)


def unmapped(address: Address) -> Address:
    """Returns the IPv4 address in an IPv4-mapped one (`::ffff:…`), and any other address unchanged."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


def reserved_for(address: Address) -> str | None:
    """Returns what makes an address not public, such as "private", or None if it is public."""
    address = unmapped(address)
    for network, kind in _RESERVED:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _IPV6_PUBLIC:
        return "not public"
    return None


def is_permitted(address: Address, networks: Collection[Network]) -> bool:
    """Returns True for a public address, and for one in these networks."""
    address = unmapped(address)
    return any(address in network for network in networks) or reserved_for(address) is None
