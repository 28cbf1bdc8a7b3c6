"""Identifies the caller by a bearer token, and checks the token's scopes."""

from __future__ import annotations

import hashlib
import time

from flask import Request

from taskmgr.api.identity.scopes import RequiredScopes, ensure_scopes
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import RequestState
from taskmgr.domain.model.errors import Unauthenticated
from taskmgr.domain.services.tokens import Identity, TokenService

# A deactivation, demotion or revocation takes effect within this time on every worker.
CACHE_SECONDS = 0.9
_MAX_CACHED = 10_000


class Identities:
    """Identifies bearer tokens, and caches each result for less than a second."""

    def __init__(self, tokens: TokenService) -> None:
        self._tokens = tokens
        self._cache: dict[bytes, tuple[float, Identity]] = {}

    def authorize(self, required: RequiredScopes, request: Request, state: RequestState) -> None:
        """Sets the caller's identity. Raises `unauthenticated` and `scope_missing`."""
        identity = self._identify(_bearer_token(request))
        if identity is None:
            raise Unauthenticated
        state.identity = identity
        ensure_scopes(required.of_current_request())

    def _identify(self, token: str) -> Identity | None:
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        now = time.monotonic()
        expires, identity = self._cache.get(key, (0.0, None))
        if identity is not None and now < expires:
            return identity
        identity = self._tokens.identify(token)
        self._cache.pop(key, None)
        if identity is not None:
            self._make_room(now)
            self._cache[key] = (now + CACHE_SECONDS, identity)
        return identity

    def _make_room(self, now: float) -> None:
        if len(self._cache) >= _MAX_CACHED:
            self._cache = {key: entry for key, entry in self._cache.items() if now < entry[0]}
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()


def _bearer_token(request: Request) -> str:
    header: str | None = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        raise ApiError("unauthenticated", "Send a token: `Authorization: Bearer tm_…`.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError("unauthenticated", "The header Authorization must be `Bearer` and a token.")
    return token.strip()
