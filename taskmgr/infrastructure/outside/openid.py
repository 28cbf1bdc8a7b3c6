"""Signs people in at an OpenID Connect provider: the code flow with PKCE, by Authlib.

The provider is called only while somebody signs in with it, so that a provider that is down stops nobody who
has a password. All calls go through the guarded client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from taskmgr.domain.model.account import Person
from taskmgr.domain.ports.identity_provider import Attempt, NotSignedIn, Reason
from taskmgr.domain.ports.outgoing import CallFailed, Reply
from taskmgr.domain.services.current_rights import RECENT
from taskmgr.infrastructure.outside.client import GuardedClient

_SCOPE = "openid email profile"
_DISCOVERY = "/.well-known/openid-configuration"
_METADATA_SECONDS = 3600.0  # for which the provider's metadata and keys are kept
_MAX_CALLS = 8  # at once, in this process: a slow provider must not occupy all of its requests
_LEEWAY = 60  # seconds by which the provider's clock may differ
_MAX_SUBJECT = 255  # characters, as the specification says
# Only signatures with a public key: with a shared one, whoever knows the client's secret could sign.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_KEY_TYPES = ("RSA", "EC", "OKP")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint",)
_ACCEPT = {"Accept": "application/json"}
_FORM = {**_ACCEPT, "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a provider has said about itself, until a reading of the clock."""

    metadata: Json
    keys: KeySet | None
    until: float


class OpenIdProvider:
    """Implements `IdentityProvider`. `issuer` is the exact text with which the provider signs."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        client: GuardedClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._client = client
        self._clock = clock
        self._kept: _Kept | None = None
        self._free = BoundedSemaphore(_MAX_CALLS)

    @property
    def issuer(self) -> str:
        return self._issuer

    @property
    def name(self) -> str:
        return urlsplit(self._issuer).hostname or self._issuer

    def begin(self) -> tuple[str, Attempt]:
        attempt = Attempt(state=generate_token(43), nonce=generate_token(43), verifier=generate_token(48))
        url = prepare_grant_uri(
            self._metadata()["authorization_endpoint"],
            self._client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope=_SCOPE,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
            # A session that has just begun may do what would outlast it, so the person must be present.
            max_age=str(int(RECENT.total_seconds())),
        )
        return str(url), attempt

    def require_issuer(self, issuer: str | None) -> None:
        if issuer is not None and issuer != self._issuer:
            raise NotSignedIn(Reason.INVALID, "The browser comes back from another issuer.")

    def finish(self, attempt: Attempt, code: str) -> Person:
        token = self._exchange(attempt, code)
        claims = self._claims(token, attempt.nonce)
        if "email" not in claims:
            claims = {**claims, **self._user_info(token, claims["sub"])}
        is_verified = claims.get("email_verified") in (True, "true")
        return Person(
            issuer=self._issuer,
            subject=claims["sub"],
            email=_text(claims, "email") if is_verified else None,
            name=_text(claims, "name"),
            usernames=tuple(filter(None, (_text(claims, "preferred_username"), _text(claims, "email")))),
        )

    # --- the calls

    def _exchange(self, attempt: Attempt, code: str) -> Json:
        """Returns the provider's answer to the code: the ID token, and an access token."""
        metadata = self._metadata()
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        body = prepare_token_request(
            "authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=attempt.verifier
        )
        auth = ClientAuth(self._client_id, self._client_secret, method)
        url, headers, body = auth.prepare("POST", metadata["token_endpoint"], dict(_FORM), body)
        return self._answer(lambda: self._client.post(url, body.encode(), headers), "token endpoint")

    def _claims(self, token: Json, nonce: str) -> Json:
        """Returns the claims of the ID token once everything about it has been checked."""
        try:
            decoded = self._decode(str(token.get("id_token", "")))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
            )
            claims.validate(now=int(self._clock()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            # The text of the error may contain a part of the token.
            raise NotSignedIn(
                Reason.INVALID, f"The ID token is not valid: {type(error).__name__}."
            ) from error
        self._require_usable(claims)
        return claims  # type: ignore[no-any-return]

    def _require_usable(self, claims: Json) -> None:
        subject, signed_in_at = claims["sub"], claims.get("auth_time")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
            raise NotSignedIn(Reason.INVALID, "The subject of the ID token is not acceptable.")
        oldest = self._clock() - RECENT.total_seconds() - _LEEWAY
        if signed_in_at is not None and signed_in_at < oldest:
            raise NotSignedIn(Reason.INVALID, "The provider has not asked the person to sign in again.")

    def _decode(self, id_token: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(id_token, self._keys(), registry=registry)
        except InvalidKeyIdError:  # the provider has a new key
            return jwt.decode(id_token, self._keys(anew=True), registry=registry)

    def _user_info(self, token: Json, subject: str) -> Json:
        """Returns the claims that the provider does not put into ID tokens."""
        url = self._metadata().get("userinfo_endpoint")
        if url is None or not token.get("access_token"):
            return {}
        headers = {**_ACCEPT, "Authorization": f"Bearer {token['access_token']}"}
        claims = self._answer(lambda: self._client.get(url, headers), "userinfo endpoint")
        if claims.get("sub") != subject:
            raise NotSignedIn(Reason.INVALID, "The userinfo endpoint describes somebody else.")
        return claims

    def _metadata(self) -> Json:
        kept = self._kept
        if kept is None or kept.until <= self._clock():
            url = self._issuer.rstrip("/") + _DISCOVERY
            metadata = self._answer(lambda: self._client.get(url, _ACCEPT), "metadata")
            self._require_own(metadata)
            kept = self._kept = _Kept(metadata, None, self._clock() + _METADATA_SECONDS)
        return kept.metadata

    def _require_own(self, metadata: Json) -> None:
        if metadata.get("issuer") != self._issuer:
            raise NotSignedIn(Reason.FAILED, "The issuer in the metadata is not TASKMGR_OIDC_ISSUER.")
        scheme = urlsplit(self._issuer).scheme
        for name in (*_ENDPOINTS, *filter(metadata.__contains__, _OPTIONAL)):
            url = metadata.get(name)
            if not isinstance(url, str) or urlsplit(url).scheme not in ("https", scheme):
                raise NotSignedIn(Reason.FAILED, f"The provider's metadata has no usable {name}.")

    def _keys(self, *, anew: bool = False) -> KeySet:
        metadata = self._metadata()
        kept = self._kept
        if kept is None or kept.keys is None or anew:
            answer = self._answer(lambda: self._client.get(metadata["jwks_uri"], _ACCEPT), "keys")
            keys = [key for key in answer.get("keys", ()) if _may_sign(key)]
            kept = self._kept = _Kept(
                metadata, KeySet.import_key_set({"keys": keys}), self._clock() + _METADATA_SECONDS
            )
        return kept.keys  # type: ignore[return-value]

    def _answer(self, call: Callable[[], Reply], place: str) -> Json:
        """Returns the JSON object that the provider answers with. Raises `NotSignedIn`."""
        if not self._free.acquire(blocking=False):
            raise NotSignedIn(Reason.UNREACHABLE, f"{_MAX_CALLS} calls of the provider are waiting already.")
        try:
            reply = call()
        except CallFailed as failed:
            raise NotSignedIn(Reason.UNREACHABLE, f"The provider's {place}: {failed}") from failed
        finally:
            self._free.release()
        if reply.status >= 500:
            raise NotSignedIn(Reason.UNREACHABLE, f"The provider's {place} answers {reply.status}.")
        if reply.status != 200:
            raise NotSignedIn(Reason.FAILED, f"The provider's {place} answers {reply.status}.")
        try:
            answer = json.loads(reply.body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise NotSignedIn(Reason.FAILED, f"The provider's {place} does not answer with a JSON object.")
        return answer


def _may_sign(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"


def _text(claims: Json, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None
