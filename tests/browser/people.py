"""The users of the browser tests. All have the same password."""

from __future__ import annotations

import json
import re

from playwright.sync_api import BrowserContext, Page, Route

from tests.running import Service

ADMIN = "admin"
PASSWORD = "correct horse battery"


def link_in(service: Service) -> str:
    """Returns the sign-in link that the service has printed for its first user."""
    printed = re.search(r"http://\S+/welcome#\S+", service.out)
    assert printed
    return printed[0]


def choose_password(service: Service, link: str) -> None:
    body = {"link": link.partition("#")[2], "password": PASSWORD}
    assert service.call("POST", "/api/v1/auth/links/use", body)[0] == 201


def add_user(service: Service, username: str, name: str, *, role: str = "member") -> str:
    """Creates a user with the password `PASSWORD`; returns the id."""
    status, user = service.call("POST", "/api/v1/users", {"username": username, "name": name, "role": role})
    assert status == 201, user
    _, link = service.call("POST", "/api/v1/auth/links", {"user_id": user["id"]})
    choose_password(service, link["path"])
    return str(user["id"])


def sign_in(context: BrowserContext, username: str) -> None:
    """Begins a session for all pages of a context."""
    answer = context.request.post(
        "/api/v1/auth/sessions",
        data={"username": username, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.ok, answer.text()


def require_recent_sign_in(page: Page, path: str) -> None:
    """Answers the next request that changes something as if the user had signed in long ago."""
    refused: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "GET" or refused:
            return route.fallback()
        refused.append(route.request.url)
        problem = {"code": "recent_sign_in_required", "status": 403, "title": "", "detail": "Sign in again."}
        return route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(problem))

    page.route(path, answer)
