"""Hashes passwords with Argon2id, away from the event loop, two at a time.

The parameters are those that OWASP recommends:
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
"""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from gevent.monkey import is_module_patched

from taskmgr.domain.model.errors import Unavailable

T = TypeVar("T")

_MEMORY = 19_456  # KiB for each hash
_PASSES = 2
_AT_ONCE = 2  # in this process
_LONGEST_WAIT = 5.0  # seconds


class Argon2Hashes:
    """Implements `PasswordHashes`. A hash takes about 60 ms of one core."""

    def __init__(self, *, memory: int = _MEMORY, passes: int = _PASSES, wait: float = _LONGEST_WAIT) -> None:
        self._wait = wait
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=1)
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._decoy = _unknown_hash(self._hasher)

    def make(self, password: str) -> str:
        return self._run(lambda: self._hasher.hash(password))

    def matches(self, password: str, password_hash: str | None) -> bool:
        is_match = self._run(lambda: self._verify(password, password_hash or self._decoy))
        return is_match and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _run(self, work: Callable[[], T]) -> T:
        """Returns the result of the work, which runs in a thread of its own if gevent runs this one."""
        with self._turn():
            if is_module_patched("threading"):
                return gevent.get_hub().threadpool.apply(work)  # type: ignore[no-any-return]
            return work()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._wait):
            raise Unavailable("Too many people are signing in at this moment.")
        try:
            yield
        finally:
            self._free.release()


def _unknown_hash(hasher: PasswordHasher) -> str:
    """Returns the hash of a password that nobody knows, with the parameters of today.

    It is written down instead of computed: the first guess for an unknown account must not take longer.
    """
    salt, digest = (_base64(secrets.token_bytes(size)) for size in (hasher.salt_len, hasher.hash_len))
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")
