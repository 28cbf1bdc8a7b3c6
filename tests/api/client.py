"""A test client of the API that can act as any user, and checks for problem responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from taskmgr.api.problems.codes import CODES
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.user import Role, User
from taskmgr.domain.services import Services
from tests.factories import SYSTEM

ROOT = "/api/v1/"
EVENTS = "text/event-stream"
_ABSENT: Any = object()
PASSWORD = "correct horse battery"

# The members that every problem has, and the additional members by code.
_MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}
_MORE = {
    "malformed": {"errors"},
    "invalid": {"errors"},
    "refused": {"reasons"},
    "resync_required": {"head"},
    "stale": {"current"},
}


class Answer(TestResponse):
    """A response whose JSON is parsed by the standard library instead of the code under test."""

    @property
    def json(self) -> Any:
        return json.loads(self.data) if self.mimetype != EVENTS and self.data else None


def set_password(services: Services, user_id: str, password: str = PASSWORD) -> None:
    """Sets a user's password, as with a sign-in link, and leaves the user signed out."""
    link = services.links.create(user_id, by=SYSTEM)
    session = services.links.use(link.text, password=password).session
    services.sessions.end(session.id, by=SYSTEM)


class Client:
    """Flask's test client with a token: `client.as_("manager", "tasks:read").get("tasks", limit="5")`.

    A path without a leading slash is relative to `/api/v1/`. `user` is the owner of the token, if known.
    With `signed_in()`, it has the cookies of a browser instead, and sends what the service's own pages send.
    """

    def __init__(
        self,
        app: Flask,
        services: Services,
        token: str | None = None,
        user: User | None = None,
        cookies: dict[str, str] | None = None,
    ) -> None:
        self._app = app
        self._services = services
        self.token = token
        self._user = user
        self.cookies = cookies

    @property
    def user(self) -> User:
        assert self._user is not None, "This client has no user: use as_()."
        return self._user

    def as_(self, username: str, *scopes: str) -> Client:
        """Returns a client with a new token of this user that has these scopes, or all scopes by default.

        The name of a role is the username of a user with that role, who is created on first use.
        """
        user = self._find_or_create_user(username)
        new = self._services.tokens.create(
            by=SYSTEM, user_id=user.id, name="tests", scopes=list(scopes) or None
        )
        # The first use of a token is stored; do it now, so that no test observes it.
        self._services.tokens.identify(new.text)
        return Client(self._app, self._services, new.text, user)

    def with_password(self, username: str) -> User:
        """Returns a user of this name, whose password is `PASSWORD`."""
        user = self._find_or_create_user(username)
        if user.password_set_at is None:
            set_password(self._services, user.id)
        return user

    def browser(self, user: User | None = None) -> Client:
        """Returns a browser that has no cookies yet, and keeps those that it is given."""
        return Client(self._app, self._services, user=user, cookies={})

    def signed_in(self, username: str) -> Client:
        """Returns a browser in which this user has signed in."""
        browser = self.browser(self.with_password(username))
        answer = browser.post("auth/sessions", {"username": username, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return browser

    def with_token(self, token: str | None) -> Client:
        return Client(self._app, self._services, token)

    def _find_or_create_user(self, username: str) -> User:
        try:
            return self._services.users.get_by_username(username, by=SYSTEM)
        except NotFound:
            return self._services.users.create(
                by=SYSTEM, username=username, name=username.title(), role=Role(username)
            )

    def open(
        self,
        method: str,
        path: str,
        body: Any = _ABSENT,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str | None] | None = None,
        environ: dict[str, str] | None = None,
        **query: str | list[str],
    ) -> Answer:
        """Sends a request with `body` as JSON, or with the `raw` bytes unchanged.

        A header that is None is not sent.
        """
        all_headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        if self.cookies is not None:
            all_headers["Sec-Fetch-Site"] = "same-origin"
            all_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        data = raw
        if body is not _ABSENT:
            data = json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json"
        answer = FlaskClient(self._app, Answer, use_cookies=False).open(
            path if path.startswith("/") else ROOT + path,
            method=method,
            data=data,
            headers={k: v for k, v in (all_headers | (headers or {})).items() if v is not None},
            query_string=query or None,
            environ_base=environ or {},
        )
        self._keep_cookies(answer)
        if answer.mimetype == EVENTS:  # it would not end
            answer.close()
            answer.response = []
        return answer

    def _keep_cookies(self, answer: Answer) -> None:
        for header in answer.headers.getlist("Set-Cookie") if self.cookies is not None else ():
            name, _, value = header.partition(";")[0].partition("=")
            if "Max-Age=0" in header:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def get(self, path: str, **options: Any) -> Answer:
        return self.open("GET", path, **options)

    def post(self, path: str, body: Any = _ABSENT, **options: Any) -> Answer:
        return self.open("POST", path, body, **options)

    def put(self, path: str, body: Any = _ABSENT, **options: Any) -> Answer:
        return self.open("PUT", path, body, **options)

    def patch(self, path: str, body: Any = _ABSENT, **options: Any) -> Answer:
        return self.open("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.open("DELETE", path, **options)


def answered(response: Answer) -> int | str:
    """Returns the status of a successful response, or the code of a problem."""
    if response.status_code < 400:
        return response.status_code
    code = str(response.json["code"])
    assert response.content_type == "application/problem+json"
    assert response.status_code == CODES[code].status
    return code


def problem(response: Answer, code: str) -> dict[str, Any]:
    """Asserts that the response is a complete problem with this code, and returns it."""
    assert (response.status_code, response.json["code"]) == (CODES[code].status, code), response.text
    body: dict[str, Any] = response.json
    assert set(body) == _MEMBERS | _MORE.get(code, set())
    assert response.content_type == "application/problem+json"
    assert body["type"] == f"/docs/errors#{code}"
    assert body["title"] == CODES[code].title
    assert body["status"] == response.status_code
    assert body["detail"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body


def mistakes(response: Answer, code: str) -> list[tuple[str, str]]:
    """Asserts that the response is a problem with this code; returns the location and code of each error."""
    return [(error["location"], error["code"]) for error in problem(response, code)["errors"]]
