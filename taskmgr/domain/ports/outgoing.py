"""Calls of other machines. The URLs come from users, so every call is guarded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The answer of another machine; `body` is its beginning, `retry_after` the header of that name."""

    status: int
    retry_after: str | None
    body: bytes


class CallFailed(Exception):
    """The URL could not be called, or did not answer properly; the text says why."""


class ForbiddenUrl(CallFailed):
    """The URL must not be called; the text says why, and what would be permitted."""


class Outgoing(Protocol):
    """Calls other machines, but none that is not public unless the settings permit it."""

    def check(self, url: str) -> None:
        """Raises `ForbiddenUrl` if a call of this URL would be refused now.

        Raises `CallFailed` if the addresses of its host cannot be found.
        """

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Sends a POST request and returns the answer, whatever its status. Raises `CallFailed`."""
