"""Token → actor, and whether the token's scopes reach to the endpoint."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Set
from types import MappingProxyType
from typing import Any, TypeVar

from flask import current_app, g, request

from taskmgr.api.problems import ApiError
from taskmgr.domain.services.tokens import Identity, TokenService
from taskmgr.domain.token import Scope

F = TypeVar("F", bound=Callable[..., Any])

# A deactivation, demotion or revocation takes effect within this time on every worker.
CACHE_SECONDS = 0.9
_MOST_CACHED = 10_000
_ATTRIBUTE = "_scopes"
_ALSO = "_also_scopes"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="taskmgr"'}


def takes(
    *scopes: Scope, also: Mapping[Scope, Callable[[], bool]] = MappingProxyType({})
) -> Callable[[F], F]:
    """Marks an endpoint with the scopes that it takes, all of them; none is "any valid token".

    `also` has those that only some requests take, with what tells these requests.
    """

    def mark(view: F) -> F:
        setattr(view, _ATTRIBUTE, frozenset(scope.value for scope in scopes))
        setattr(view, _ALSO, also)
        return view

    return mark


def scopes_of(endpoint: str) -> frozenset[str] | None:
    """What an endpoint takes; None for a public one."""
    return getattr(current_app.view_functions[endpoint], _ATTRIBUTE, None)


def require_scopes(needed: Set[str]) -> None:
    """Raises `scope_missing` unless the caller's token reaches that far."""
    held = g.identity.actor.scopes
    missing = sorted(needed - held) if held is not None else []
    if missing:
        raise ApiError("scope_missing", f"This takes a token with the scope {', '.join(missing)}.")


class Identities:
    """Recognises bearer tokens, remembering each answer for less than a second."""

    def __init__(self, tokens: TokenService) -> None:
        self._tokens = tokens
        self._known: dict[bytes, tuple[float, Identity]] = {}

    def require(self) -> None:
        """Identifies the caller of the present request as far as its endpoint asks."""
        needed = scopes_of(request.endpoint) if request.endpoint and request.method != "OPTIONS" else None
        if needed is None:
            return
        identity = self._identify(_bearer())
        if identity is None:
            raise ApiError("unauthenticated", "This token is not valid (any more).", headers=_CHALLENGE)
        g.identity = identity
        also = getattr(current_app.view_functions[str(request.endpoint)], _ALSO)
        require_scopes(needed | {scope.value for scope, asked in also.items() if asked()})

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


def _bearer() -> str:
    header = request.headers.get("Authorization")
    if header is None:
        raise ApiError("unauthenticated", "Send a token: `Authorization: Bearer tm_…`.", headers=_CHALLENGE)
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise ApiError("unauthenticated", "The scheme must be Bearer.", headers=_CHALLENGE)
    return text.strip()
