"""A client of the API that speaks as whoever it is told to, and what is expected of every problem."""

from __future__ import annotations

import json
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
_ABSENT: Any = object()

# The members that a problem of these codes has beside the ones that every problem has.
_MEMBERS = {"type", "title", "status", "code", "detail", "request_id"}
_MORE = {"malformed": {"errors"}, "invalid": {"errors"}, "refused": {"reasons"}, "stale": {"current"}}


class Answer(TestResponse):
    """An answer; its JSON is read by the standard library, not by our own gate."""

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Client:
    """Flask's test client with a token: `client.as_("manager", "tasks:read").get("tasks", limit="5")`.

    A path without a leading slash is one under `/api/v1/`. `user` is who speaks, if anybody.
    """

    def __init__(
        self, app: Flask, services: Services, token: str | None = None, user: User | None = None
    ) -> None:
        self._app = app
        self._services = services
        self.token = token
        self._user = user

    @property
    def user(self) -> User:
        assert self._user is not None, "nobody speaks here: use as_()"
        return self._user

    def as_(self, who: str, *scopes: str) -> Client:
        """The same application, asked by this user with a token of these scopes, by default of all.

        A role's name stands for a user who has it and is called so, made when first spoken of.
        """
        user = self._found(who)
        new = self._services.tokens.create(
            by=SYSTEM, user_id=user.id, name="tests", scopes=list(scopes) or None
        )
        # The first use of a token is noted: now, and not within what a test observes.
        self._services.tokens.identify(new.text)
        return Client(self._app, self._services, new.text, user)

    def with_token(self, token: str | None) -> Client:
        return Client(self._app, self._services, token)

    def _found(self, who: str) -> User:
        try:
            return self._services.users.get_by_username(who, by=SYSTEM)
        except NotFound:
            return self._services.users.create(by=SYSTEM, username=who, name=who.title(), role=Role(who))

    def open(
        self,
        method: str,
        path: str,
        body: Any = _ABSENT,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        **query: str | list[str],
    ) -> Answer:
        """Sends `body` as JSON, or the `raw` bytes as they are."""
        sent = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        data = raw
        if body is not _ABSENT:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        return FlaskClient(self._app, Answer).open(
            path if path.startswith("/") else ROOT + path,
            method=method,
            data=data,
            headers=sent | (headers or {}),
            query_string=query or None,
        )

    def get(self, path: str, **how: Any) -> Answer:
        return self.open("GET", path, **how)

    def post(self, path: str, body: Any = _ABSENT, **how: Any) -> Answer:
        return self.open("POST", path, body, **how)

    def put(self, path: str, body: Any = _ABSENT, **how: Any) -> Answer:
        return self.open("PUT", path, body, **how)

    def patch(self, path: str, body: Any = _ABSENT, **how: Any) -> Answer:
        return self.open("PATCH", path, body, **how)

    def delete(self, path: str, **how: Any) -> Answer:
        return self.open("DELETE", path, **how)


def answered(response: Answer) -> int | str:
    """The status of an answer, or the code of the problem that it is."""
    if response.status_code < 400:
        return response.status_code
    code = str(response.json["code"])
    assert response.content_type == "application/problem+json"
    assert response.status_code == CODES[code].status
    return code


def problem(response: Answer, code: str) -> dict[str, Any]:
    """The problem that this answer is, having checked that it is one of this code and complete."""
    assert (response.status_code, response.json["code"]) == (CODES[code].status, code), response.text
    found: dict[str, Any] = response.json
    assert set(found) == _MEMBERS | _MORE.get(code, set())
    assert response.content_type == "application/problem+json"
    assert found["type"] == f"/docs/errors#{code}"
    assert found["title"] == CODES[code].title
    assert found["status"] == response.status_code
    assert found["detail"]
    assert found["request_id"] == response.headers["X-Request-Id"]
    return found


def mistakes(response: Answer, code: str) -> list[tuple[str, str]]:
    """Where the input is wrong, and in what way, of a problem of this code."""
    return [(error["location"], error["code"]) for error in problem(response, code)["errors"]]
