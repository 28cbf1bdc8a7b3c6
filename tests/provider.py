"""An OpenID Connect provider for tests: Authlib's server side in a small Flask application, over real HTTP.

Tests damage what it answers: `claims` replaces claims of the ID token (None removes one), `sign` signs it in
another way, `rotate` changes its key, and without `may_answer` requests wait.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, scope_to_list
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server
from werkzeug.test import Client as Browser

from tests.running import PATIENCE

CLIENT_ID, CLIENT_SECRET = "taskmgr", "a secret of the client"
REDIRECT_URI = "http://localhost/api/v1/auth/oidc/callback"
_SCOPES = {"openid", "email", "profile"}

Claims = Mapping[str, Any]


@dataclass
class _Client(ClientMixin):
    redirect_uris: list[str] = field(default_factory=lambda: [REDIRECT_URI])

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(s for s in scope_to_list(scope) if s in _SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _User:
    id: str

    def get_user_id(self) -> str:
        return self.id


@dataclass
class _Code(AuthorizationCodeMixin):
    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: _User
    auth_time: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


_POLL = 0.02  # seconds between two looks at whether to stop


class Provider:
    """A provider at which one person is signed in. `person` has the claims about them."""

    def __init__(self) -> None:
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # this server is not reached by HTTPS
        self.app = Flask("provider")
        self.person: dict[str, Any] = {
            "sub": "0815",
            "email": "grace@example.org",
            "email_verified": True,
            "name": "Grace Hopper",
            "preferred_username": "grace",
        }
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.user_info: dict[str, Any] = {}
        self.key = _new_key("first")
        self.published = [self.key]
        self.sign: Callable[[Claims, RSAKey], str] = sign
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.status = 200
        self.auth_time = int(time.time())
        self.client = _Client()
        self.codes: dict[str, _Code] = {}
        self.asked: list[str] = []
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.port = self._server.server_port
        self.issuer = f"http://127.0.0.1:{self.port}"
        _add_endpoints(self)

    def rotate(self) -> None:
        """Signs with a new key from now on, and publishes no other."""
        self.key = _new_key("second")
        self.published = [self.key]

    def authorize(self, url: str) -> str:
        """Goes to a URL as the person's browser does, and returns the URL to which it is sent back."""
        path = url.removeprefix(self.issuer)
        return str(Browser(self.app).get(path, base_url=self.issuer).headers["Location"])

    @contextmanager
    def running(self) -> Iterator[Provider]:
        thread = threading.Thread(target=self._server.serve_forever, args=(_POLL,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """Stops listening: connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()


def sign(claims: Claims, key: RSAKey) -> str:
    """Signs an ID token as a provider does."""
    return jwt.encode({"alg": "RS256", "kid": key.kid}, dict(claims), key)


@cache
def _new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def _add_endpoints(provider: Provider) -> None:
    app = provider.app
    server = AuthorizationServer(app, query_client=lambda _: provider.client, save_token=lambda *_: None)
    server.register_grant(_grant_of(provider), [_IdTokens(provider), CodeChallenge(required=True)])

    @app.before_request
    def answer_badly() -> Response | None:
        provider.asked.append(request.path)
        provider.may_answer.wait(PATIENCE)
        return Response(status=provider.status) if provider.status != 200 else None

    @app.get("/.well-known/openid-configuration")
    def metadata() -> Response:
        issuer = provider.issuer
        own = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/keys",
        }
        return jsonify(own | provider.metadata)

    @app.get("/keys")
    def keys() -> Response:
        return jsonify({"keys": [key.as_dict(private=False) for key in provider.published]})

    @app.get("/authorize")
    def authorize() -> Any:
        grant = server.get_consent_grant(end_user=_User(provider.person["sub"]))
        return server.create_authorization_response(grant_user=_User(provider.person["sub"]), grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/userinfo")
    def user_info() -> Response:
        return jsonify(provider.person | provider.user_info)


def _grant_of(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            provider.codes[code] = _Code(
                code, data["redirect_uri"], data["scope"], data["nonce"], data["code_challenge"],
                data["code_challenge_method"], request.user, provider.auth_time,
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Any) -> _Code | None:  # noqa: ARG002
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: _Code) -> None:
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: _Code) -> _User:
            return authorization_code.user

    return Grant


class _IdTokens(OpenIDCode):  # type: ignore[misc]
    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=True)
        self._provider = provider

    def exists_nonce(self, nonce: str, request: Any) -> bool:  # noqa: ARG002
        return any(code.nonce == nonce for code in self._provider.codes.values())

    def encode_id_token(self, token: Any, request: Any) -> str:  # noqa: ARG002
        provider, now = self._provider, int(time.time())
        claims = {"iss": provider.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims |= self.get_authorization_code_claims(request.authorization_code)
        claims |= provider.person | provider.claims
        return provider.sign({name: v for name, v in claims.items() if v is not None}, provider.key)


def parameters(url: str) -> dict[str, str]:
    """Returns the parameters in the query of a URL."""
    return dict(parse_qsl(urlsplit(url).query))
