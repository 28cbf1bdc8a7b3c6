"""Tests how many requests per minute a token may make."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskmgr.settings import Settings
from tests.api.client import Client, problem


@pytest.fixture
def limited(client_of: Callable[..., Client]) -> Client:
    return client_of(Settings(rate_limit=3))


def test_beyond_the_limit_the_response_says_how_long_to_wait(limited: Client) -> None:
    member = limited.as_("member")
    answers = [member.get(path) for path in ("tasks", "workflow", "tasks", "users/me")]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    problem(answers[-1], "too_many_requests")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    assert "Retry-After" not in answers[0].headers


def test_every_token_has_its_own_limit(limited: Client) -> None:
    one, two = limited.as_("member"), limited.as_("member")
    for _ in range(4):
        one.get("tasks")

    assert two.get("tasks").status_code == 200


def test_health_is_never_limited(limited: Client) -> None:
    assert {limited.get("/healthz").status_code for _ in range(5)} == {200}


def test_without_a_limit_there_are_no_headers_of_one(client_of: Callable[..., Client]) -> None:
    answer = client_of(Settings(rate_limit=0)).as_("member").get("tasks")

    assert not [name for name, _ in answer.headers if name.startswith("RateLimit")]


def test_an_answer_in_place_of_another_tells_as_well_how_it_stands(limited: Client) -> None:
    member = limited.as_("member")

    answer = member.get("users/me", headers={"If-Match": '"99"'})

    problem(answer, "stale")
    assert answer.headers["RateLimit-Remaining"] == "2"
