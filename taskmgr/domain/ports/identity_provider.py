"""The identity provider (OpenID Connect) at which people can sign in instead of typing a password."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from taskmgr.domain.model.account import Person

CALLBACK = "/api/v1/auth/oidc/callback"  # the path to which the provider sends the browser back


class Reason(StrEnum):
    """Why nobody was signed in. The page for signing in explains each."""

    UNREACHABLE = "unreachable"  # the provider does not answer in time
    FAILED = "failed"  # the provider answers with an error
    DENIED = "denied"  # the person or the provider has refused
    INVALID = "invalid"  # the answer is not the one that was asked for, or cannot be trusted
    EXPIRED = "expired"  # this browser has not begun to sign in, or too long ago
    UNKNOWN = "unknown"  # nobody has linked this account
    EXISTS = "exists"  # nobody has linked it, and somebody else has the username or the e-mail address
    NOT_ADMITTED = "not_admitted"  # the e-mail address is not verified or not in an admitted domain
    DEACTIVATED = "deactivated"
    TAKEN = "taken"  # another user has linked it
    OTHER_USER = "other_user"  # it is not linked to the user who signs in again
    TOO_OLD = "too_old"  # the session is too old for linking an account


class NotSignedIn(Exception):
    """Nobody was signed in by the identity provider; `detail` is for the service's log."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What has to be remembered while a person is at the provider; only their browser keeps it.

    `state` comes back with the browser, `nonce` in the ID token, and `verifier` proves that the code was
    asked for by this attempt (PKCE).
    """

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class IdentityProvider(Protocol):
    """An identity provider. It is called only when somebody signs in with it."""

    @property
    def name(self) -> str:
        """Returns what people call it."""

    @property
    def issuer(self) -> str:
        """Returns the issuer of the accounts that it gives."""

    def begin(self) -> tuple[str, Attempt]:
        """Returns the URL to send the browser to, and a new attempt. Raises `NotSignedIn`."""

    def finish(self, attempt: Attempt, code: str) -> Person:
        """Returns the person for whom the provider has given this code. Raises `NotSignedIn`."""

    def require_issuer(self, issuer: str | None) -> None:
        """Raises `NotSignedIn` if the browser comes back from another provider (RFC 9207)."""
