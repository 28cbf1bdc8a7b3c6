"""Limits how often passwords may be guessed, exactly, over all processes and machines of the service.

An attempt is counted before the password is checked and taken back if it is right, so that many attempts at
the same time cannot all be checked before the first failure is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from taskmgr.domain.model.errors import DomainError
from taskmgr.domain.model.session import KnownBrowser, Visitor
from taskmgr.domain.model.user import User
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.store import Store

WINDOW = timedelta(hours=1)
FAILURES_PER_ACCOUNT = 10
FAILURES_PER_ADDRESS = 20
_IPV6_PREFIX = 64  # what one customer of a provider has, at least

Key = tuple[str, int]  # what is counted, and its limit in a window


class TooManyAttempts(DomainError):
    """Too many passwords have been wrong lately; `seconds` is the time until the next may be tried."""

    code = "too_many_attempts"

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__("Too many passwords have been wrong: try again later.")


class WrongCredentials(DomainError):
    """The username or the password is wrong, or the user is deactivated or has no password."""

    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong.")


def keys_of_sign_in(username: str, user: User | None, visitor: Visitor) -> tuple[Key, ...]:
    """Returns what an attempt to sign in counts for: the account and the address.

    A browser in which this user has signed in before counts for itself alone. So nobody can shut people out
    of their own browsers by guessing wrong passwords for them.
    """
    known = visitor.known
    if known is not None and user is not None and _is_known(known, user):
        return (_key("browser", known.user_id, known.id, limit=FAILURES_PER_ACCOUNT),)
    return (
        _key("address", _network(visitor.address), limit=FAILURES_PER_ADDRESS),
        _key("account", username, limit=FAILURES_PER_ACCOUNT),
    )


def _is_known(known: KnownBrowser, user: User) -> bool:
    """Returns True unless the user has chosen another password since then.

    Otherwise, whoever once knew the password would have ten guesses of the next one with each of the many
    cookies that they can have collected.
    """
    return known.user_id == user.id and known.password_set_at == user.password_set_at


def _key(*parts: str, limit: int) -> Key:
    """Returns a key that does not reveal what was typed, which may be a password in the wrong field."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest(), limit


def keys_of_change(user_id: str) -> tuple[Key, ...]:
    """Returns what an attempt to change one's own password counts for."""
    return (_key("change", user_id, limit=FAILURES_PER_ACCOUNT),)


def _network(address: str) -> str:
    """Returns the address, or for one of IPv6 the network that its holder can choose addresses from."""
    try:
        parsed = ip_address(_without_port(address))
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, _IPV6_PREFIX), strict=False))


def _without_port(address: str) -> str:
    """Returns an address without the port that some proxies append: `192.0.2.1:443`, `[2001:db8::1]:443`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


@dataclass(frozen=True, slots=True)
class Throttle:
    """Counts the attempts that fail."""

    store: Store
    clock: Clock

    @contextmanager
    def attempt(self, keys: Sequence[Key]) -> Iterator[None]:
        """Counts what runs inside the block, unless it ends without `WrongCredentials`.

        Raises `TooManyAttempts`, before anything runs, if one of the keys has reached its limit.
        """
        counted: list[str] = []
        try:
            for key, limit in keys:
                self._count(key, limit)
                counted.append(key)
            yield
        except WrongCredentials:
            raise
        except BaseException:
            self._take_back(counted)
            raise
        self._take_back(counted)

    def _count(self, key: str, limit: int) -> None:
        now = self.clock()
        ends = self.store.attempts.count(key, limit=limit, now=now, until=now + WINDOW)
        if ends is not None:
            raise TooManyAttempts(max(1, -((now - ends) // timedelta(seconds=1))))

    def _take_back(self, counted: Sequence[str]) -> None:
        for key in counted:
            self.store.attempts.take_back(key)
