"""Token → actor, and whether the token's scopes reach to the endpoint."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, cast

from flask import Request

from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import notes, this_app
from taskmgr.domain.model.errors import Unauthenticated
from taskmgr.domain.model.token import READ_SCOPE_OF, Scope
from taskmgr.domain.services.tokens import Identity, TokenService

F = TypeVar("F", bound=Callable[..., Any])

# A deactivation, demotion or revocation takes effect within this time on every worker.
CACHE_SECONDS = 0.9
_MOST_CACHED = 10_000
_ATTRIBUTE = "_reach"


@dataclass(frozen=True, slots=True)
class Reach:
    """The scopes that an endpoint takes, and those that only some requests take, with what tells these.

    `shows` are the scopes that it takes to be shown the whole answer.
    """

    scopes: frozenset[str]
    also: Mapping[Scope, Callable[[], bool]]
    shows: frozenset[str]

    def now(self) -> frozenset[str]:
        """What the present request takes."""
        if not self.also:
            return self.scopes
        return self.scopes | {scope.value for scope, asked in self.also.items() if asked()}


def takes(
    *scopes: Scope, also: Mapping[Scope, Callable[[], bool]] = MappingProxyType({})
) -> Callable[[F], F]:
    """Marks an endpoint with the scopes that it takes, all of them; none is "any valid token".

    `also` has those that only some requests take, with what tells these requests. A write is answered
    in full where the token may read as well.
    """
    shows = frozenset(READ_SCOPE_OF.get(scope, scope).value for scope in scopes)
    reach = Reach(frozenset(scope.value for scope in scopes), also, shows)

    def mark(view: F) -> F:
        setattr(view, _ATTRIBUTE, reach)
        return view

    return mark


def reach_of(view: Any) -> Reach | None:
    """What a view is marked with; None for a public one."""
    return cast("Reach | None", getattr(view, _ATTRIBUTE, None))


def scopes_of(endpoint: str) -> frozenset[str] | None:
    """The scopes that every request of an endpoint takes; None for a public one."""
    reach = reach_of(this_app().view_functions[endpoint])
    return None if reach is None else reach.scopes


def require_scopes(needed: Set[str]) -> None:
    """Raises `scope_missing` unless the caller's token reaches that far."""
    held = notes().identity.actor.scopes
    if held is not None and not needed <= held:
        missing = ", ".join(sorted(needed - held))
        raise ApiError("scope_missing", f"This takes a token with the scope {missing}.")


class Identities:
    """Recognises bearer tokens, remembering each answer for less than a second."""

    def __init__(self, tokens: TokenService) -> None:
        self._tokens = tokens
        self._known: dict[bytes, tuple[float, Identity]] = {}

    def require(self, reach: Reach, asked: Request, noted: Any) -> None:
        """Notes whose token the present request has. Raises `unauthenticated` and `scope_missing`."""
        identity = self._identify(_bearer(asked))
        if identity is None:
            raise Unauthenticated
        noted.identity = identity
        require_scopes(reach.now())

    def _identify(self, text: str) -> Identity | None:
        key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        now = time.monotonic()
        until, identity = self._known.get(key, (0.0, None))
        if identity is not None and now < until:
            return identity
        identity = self._tokens.identify(text)
        self._known.pop(key, None)
        if identity is not None:
            self._make_room(now)
            self._known[key] = (now + CACHE_SECONDS, identity)
        return identity

    def _make_room(self, now: float) -> None:
        if len(self._known) >= _MOST_CACHED:
            self._known = {key: entry for key, entry in self._known.items() if now < entry[0]}
        if len(self._known) >= _MOST_CACHED:
            self._known.clear()


def _bearer(asked: Request) -> str:
    header: str | None = asked.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        raise ApiError("unauthenticated", "Send a token: `Authorization: Bearer tm_…`.")
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise ApiError("unauthenticated", "The scheme must be Bearer.")
    return text.strip()
