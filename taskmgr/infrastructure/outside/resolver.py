"""Finds the addresses of hosts by asking DNS servers.

The system's own function cannot be given a time limit, and under gevent it occupies one of ten threads, so a
few names whose servers do not answer would hold up all calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

from taskmgr.domain.ports.outgoing import CallFailed
from taskmgr.infrastructure.outside.addresses import Address

if TYPE_CHECKING:
    from dns.resolver import Resolver

_LOOPBACK = IPv4Address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class DnsResolver:
    """Asks these servers (addresses) at this port, or by default those of `/etc/resolv.conf`."""

    servers: Sequence[str] | None = None
    port: int = 53

    def addresses(self, host: str, seconds: float) -> list[Address]:
        """Returns all addresses of a host, at least one. Raises `CallFailed`."""
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
            return [_LOOPBACK]
        from dns.exception import DNSException, Timeout
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            answers = self._resolver().resolve_name(host, lifetime=seconds, search=self.servers is None)
        except (NXDOMAIN, NoAnswer) as error:
            raise CallFailed(f"The host {host} has no address in the DNS.") from error
        except Timeout as error:
            raise CallFailed(f"The DNS servers did not answer in time for {host}.") from error
        except DNSException as error:
            raise CallFailed(f"The DNS servers could not find the address of {host}.") from error
        return [ip_address(text) for text in answers.addresses()]

    def _resolver(self) -> Resolver:
        from dns.resolver import Resolver  # here, because most commands never call another machine

        if self.servers is None:
            return Resolver()  # reads the file anew, because it changes with the network
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = list(self.servers), self.port
        return resolver
