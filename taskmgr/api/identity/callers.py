"""Identifies the caller by a bearer token or by the cookie of a session, and checks the token's scopes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from flask import Request

from taskmgr.api.identity.cookies import Cookies
from taskmgr.api.identity.origins import OwnOrigin
from taskmgr.api.identity.scopes import RequiredScopes, ensure_scopes
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import RequestState
from taskmgr.domain.model.errors import Unauthenticated
from taskmgr.domain.services import Services
from taskmgr.domain.services.identity import Identity
from taskmgr.metrics.instruments import IDENTITY_LOOKUPS

# A deactivation, demotion, revocation or the end of a session takes effect within this time on every worker.
CACHE_SECONDS = 0.9
_MAX_CACHED = 10_000
_SAFE_METHODS = ("GET", "HEAD")
_HITS, _MISSES = (IDENTITY_LOOKUPS.labels(result) for result in ("hit", "miss"))


class Callers:
    """Identifies callers. A request with the header `Authorization` is not identified by its cookie."""

    def __init__(self, services: Services, cookies: Cookies, own_origin: OwnOrigin) -> None:
        self._tokens = CachedIdentities(services.tokens.identify)
        self._sessions = CachedIdentities(services.sessions.identify)
        self._cookies = cookies
        self._own_origin = own_origin

    def authorize(self, required: RequiredScopes, request: Request, state: RequestState) -> None:
        """Sets the caller's identity. Raises `unauthenticated`, `cross_site` and `scope_missing`."""
        header: str | None = request.environ.get("HTTP_AUTHORIZATION")
        state.identity = self._by_cookie(request) if header is None else self._by_token(header)
        ensure_scopes(required.of_current_request())

    def _by_token(self, header: str) -> Identity:
        identity = self._tokens.identify(_bearer_token(header))
        if identity is None:
            raise Unauthenticated
        return identity

    def _by_cookie(self, request: Request) -> Identity:
        text = self._cookies.session_of(request)
        if not text:
            raise ApiError("unauthenticated", "Send a token: `Authorization: Bearer tm_…`, or sign in.")
        identity = self._sessions.identify(text)
        if identity is None:
            raise ApiError("unauthenticated", "The session has ended: sign in again.")
        if request.method not in _SAFE_METHODS:
            self._own_origin.require(request)
        return identity


class CachedIdentities:
    """Identifies callers by a function, and caches each result for less than a second."""

    def __init__(self, identify: Callable[[str], Identity | None]) -> None:
        self._identify = identify
        self._cache: dict[bytes, tuple[float, Identity]] = {}

    def identify(self, text: str) -> Identity | None:
        """Returns the caller that a text identifies, or None."""
        key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        now = time.monotonic()
        expires, identity = self._cache.get(key, (0.0, None))
        if identity is not None and now < expires:
            _HITS.inc()
            return identity
        _MISSES.inc()
        identity = self._identify(text)
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


def _bearer_token(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError("unauthenticated", "The header Authorization must be `Bearer` and a token.")
    return token.strip()
