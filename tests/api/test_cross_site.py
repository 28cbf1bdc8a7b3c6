"""Tests what the pages of other sites can make a signed-in browser do: nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.settings import Settings
from tests.api.client import PASSWORD, Client, problem

PUBLIC = "https://tasks.example.org"
Headers = dict[str, str | None]

FOREIGN: list[Headers] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another subdomain
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "same-origin,cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": None, "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": None, "Origin": "null"},
    {"Sec-Fetch-Site": None, "Origin": ""},
    {"Sec-Fetch-Site": None, "Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": None, "Origin": "http://localhost:81"},
    {"Sec-Fetch-Site": None, "Origin": "http://localhost, http://evil.example"},
]
SILENT: Headers = {"Sec-Fetch-Site": None}
OWN: list[Headers] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://behind-a-proxy.example"},
    {"Sec-Fetch-Site": None, "Origin": "http://localhost"},
    {"Sec-Fetch-Site": None, "Origin": "https://localhost"},
]


@pytest.fixture
def member(client: Client) -> Client:
    return client.signed_in("member")


@pytest.mark.parametrize("headers", [*FOREIGN, SILENT], ids=str)
def test_a_write_with_a_cookie_must_come_from_an_own_page(
    headers: Headers, member: Client, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        for method, path, body in (
            ("POST", "tasks", {"title": "x"}),
            ("PATCH", f"users/{member.user.id}", {"name": "x"}),
            ("PUT", "auth/password", {"current_password": PASSWORD, "password": "another horse"}),
            ("DELETE", "tokens/0123456789abcdef01234567", None),
        ):
            options = {} if body is None else {"body": body}
            problem(member.open(method, path, headers=headers, **options), "cross_site")


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_a_write_from_an_own_page_is_carried_out(headers: Headers, member: Client) -> None:
    assert member.post("tasks", {"title": "x"}, headers=headers).status_code == 201


@pytest.mark.parametrize("headers", [*FOREIGN, SILENT], ids=str)
def test_a_token_needs_no_own_page(headers: Headers, client: Client) -> None:
    assert client.as_("member").post("tasks", {"title": "x"}, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "cross-site"}, SILENT], ids=str
)
def test_reading_changes_nothing_and_needs_no_own_page(
    headers: Headers, member: Client, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        assert member.get("tasks", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_site_opens_the_streams_of_a_session(headers: Headers, member: Client) -> None:
    """A session has a limited number of them."""
    problem(member.get("events", headers=headers), "cross_site")


@pytest.mark.parametrize("headers", [*OWN, SILENT], ids=str)
def test_an_own_page_follows_the_events(headers: Headers, member: Client) -> None:
    assert member.get("events", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_other_site_signs_a_browser_in(
    headers: Headers, client: Client, nothing_changes: Callable[[], Any]
) -> None:
    client.with_password("member")
    body = {"username": "member", "password": PASSWORD}

    with nothing_changes():
        answer = client.browser().post("auth/sessions", body, headers=headers)

    problem(answer, "cross_site")
    assert "Set-Cookie" not in answer.headers


def test_a_program_that_is_no_browser_may_sign_in(client: Client) -> None:
    client.with_password("member")
    body = {"username": "member", "password": PASSWORD}

    assert client.post("auth/sessions", body).status_code == 201


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        (PUBLIC, True),
        ("http://tasks.example.org", False),
        ("http://localhost", False),
        (f"{PUBLIC}:8443", False),
    ],
)
def test_with_a_public_address_only_its_origin_is_an_own_one(
    origin: str, is_own: bool, client: Client, client_of: Callable[..., Client]
) -> None:
    client.with_password("member")
    browser = client_of(Settings(rate_limit=0, public_url=f"{PUBLIC.upper()}:443/tasks")).browser()
    body = {"username": "member", "password": PASSWORD}

    answer = browser.post("auth/sessions", body, headers={"Sec-Fetch-Site": None, "Origin": origin})

    assert answer.status_code == (201 if is_own else 403)


def test_no_origin_is_allowed_to_send_the_cookie(client: Client, client_of: Callable[..., Client]) -> None:
    board = "https://board.example.org"
    client.with_password("member")
    browser = client_of(Settings(rate_limit=0, cors_origins=(board,))).browser()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})

    read = browser.get("tasks", headers={"Origin": board, "Sec-Fetch-Site": "cross-site"})
    write = browser.post("tasks", {"title": "x"}, headers={"Origin": board, "Sec-Fetch-Site": "cross-site"})

    assert "Access-Control-Allow-Credentials" not in {**read.headers, **write.headers}
    problem(write, "cross_site")
