"""Reads and sets the cookies of a browser.

They hold its session, who has signed in with it before, and while somebody is at the identity provider, what
has to be remembered meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Request
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer
from werkzeug.http import dump_cookie

from taskmgr.domain.model.safe_text import without_controls
from taskmgr.domain.model.session import KnownBrowser, Visitor
from taskmgr.domain.ports.identity_provider import Attempt
from taskmgr.domain.services.session_changes import NewSession
from taskmgr.settings import Settings

Headers = Sequence[tuple[str, str]]

ATTEMPT_LASTS = timedelta(minutes=10)
_KNOWN_FOR = timedelta(days=180)
_MAX_TEXT = 200  # of the header User-Agent, and of an address in X-Forwarded-For


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """Why a browser is at the identity provider: to sign in, or to link an account.

    The account is linked to the user `user_id`. If somebody signs in, it has to be this user, or anybody if
    it is None. The browser goes on to the path `next` afterwards.
    """

    attempt: Attempt
    next: str
    user_id: str | None = None
    links: bool = False


class Cookies:
    """The cookies of one service.

    Browsers send a cookie with the prefix `__Host-` only to the host that has set it, and only by HTTPS (or
    to their own machine). A service whose public address is plain HTTP has to do without.
    """

    def __init__(self, settings: Settings, secret_key: str) -> None:
        self._is_secure = urlsplit(settings.public_url or "").scheme != "http"
        prefix = "__Host-" if self._is_secure else ""
        self.session_name = f"{prefix}taskmgr_session"
        self.browser_name = f"{prefix}taskmgr_browser"
        self._errand_name = f"{prefix}taskmgr_oidc"
        self._session_age = timedelta(days=settings.session_days)
        self._signer = URLSafeSerializer(secret_key, salt="taskmgr.browser")
        self._errand_signer = URLSafeTimedSerializer(secret_key, salt="taskmgr.oidc")

    def session_of(self, request: Request) -> str:
        """Returns the text of the session that the browser presents, or ""."""
        return request.cookies.get(self.session_name, "")

    def visitor_of(self, request: Request) -> Visitor:
        """Returns what is known about the browser that sends a request."""
        return Visitor(
            address=_cut(request.remote_addr or ""),
            user_agent=_cut(request.headers.get("User-Agent", "")),
            known=self._known(request),
            session=self.session_of(request),
        )

    def _known(self, request: Request) -> KnownBrowser | None:
        try:
            user_id, browser_id, set_at = self._signer.loads(request.cookies.get(self.browser_name, ""))
            password_set_at = None if set_at is None else datetime.fromisoformat(set_at)
        except (BadSignature, TypeError, ValueError):
            return None
        return KnownBrowser(id=browser_id, user_id=user_id, password_set_at=password_set_at)

    def for_session(self, new: NewSession, visitor: Visitor) -> Headers:
        """Returns the headers that give a browser its new session."""
        known, user, set_at = visitor.known, new.user, new.user.password_set_at
        is_same = known is not None and known.user_id == user.id
        browser_id = known.id if known is not None and is_same else secrets.token_urlsafe(16)
        browser = self._signer.dumps((user.id, browser_id, None if set_at is None else set_at.isoformat()))
        return [
            self._header(self.session_name, new.text, self._session_age),
            self._header(self.browser_name, str(browser), _KNOWN_FOR),
        ]

    def without_session(self) -> Headers:
        """Returns the headers that make a browser forget its session."""
        return [self._header(self.session_name, "", timedelta(0))]

    def for_errand(self, errand: Errand) -> Headers:
        """Returns the headers with which a browser goes to the identity provider."""
        attempt = errand.attempt
        text = self._errand_signer.dumps(
            (attempt.state, attempt.nonce, attempt.verifier, errand.next, errand.user_id, errand.links)
        )
        return [self._header(self._errand_name, str(text), ATTEMPT_LASTS)]

    def errand_of(self, request: Request) -> Errand | None:
        """Returns the errand of a browser; None if it is on none, or has been for too long."""
        age = int(ATTEMPT_LASTS.total_seconds())
        try:
            values = self._errand_signer.loads(request.cookies.get(self._errand_name, ""), max_age=age)
            state, nonce, verifier, next_path, user_id, links = values
        except (BadSignature, TypeError, ValueError):
            return None
        attempt = Attempt(state=state, nonce=nonce, verifier=verifier)
        return Errand(attempt=attempt, next=next_path, user_id=user_id, links=links)

    def without_errand(self) -> Headers:
        """Returns the headers that make a browser forget its errand."""
        return [self._header(self._errand_name, "", timedelta(0))]

    def _header(self, name: str, value: str, age: timedelta) -> tuple[str, str]:
        cookie = dump_cookie(
            name, value, max_age=age, path="/", secure=self._is_secure, httponly=True, samesite="Lax"
        )
        return "Set-Cookie", cookie


def _cut(text: str) -> str:
    return without_controls(text)[:_MAX_TEXT]
