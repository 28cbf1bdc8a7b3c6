"""Tests that exactly the origins in the settings may call the API from a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskmgr.domain.model.task import Task
from taskmgr.settings import Settings
from tests.api.client import Answer, Client

BOARD, LOCAL = "https://board.example.org", "http://localhost:3000"
EXPOSED = {
    "ETag", "Location", "Retry-After", "X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining",
    "RateLimit-Reset", "Dry-Run", "Idempotent-Replayed",
}  # fmt: skip
LOOK_ALIKES = [
    "https://board.example.org.evil.example",
    "https://board.example.orgevil",
    "https://board.example.org:8443",
    "https://board.example.org:443",
    "https://board.example.org/",
    "https://board.example.org,https://evil.example",
    "https://evil.example",
    "https://evil.board.example.org",
    "https://boardxexample.org",
    "https://xboard.example.org",
    "http://board.example.org",
    "https://example.org",
    "https://",
    "null",
    "*",
    "http://localhost",
    "http://localhost:30000",
    "http://localhost:3000.evil.example",
]


@pytest.fixture
def board(client_of: Callable[..., Client]) -> Client:
    """Of an application that lets two origins in."""
    return client_of(Settings(rate_limit=0, cors_origins=(BOARD, LOCAL)))


def cors_headers(answer: Answer) -> list[str]:
    """The headers that give a browser leave."""
    return [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("origin", [BOARD, LOCAL])
def test_an_origin_in_the_settings_may_read_the_answer(origin: str, board: Client) -> None:
    answer = board.as_("viewer").get("tasks", headers={"Origin": origin})

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"]
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED


@pytest.mark.parametrize("origin", LOOK_ALIKES)
def test_no_other_origin_is_allowed_however_similar_it_looks(origin: str, board: Client) -> None:
    answer = board.as_("viewer").get("tasks", headers={"Origin": origin})
    preflight = board.open(
        "OPTIONS", "tasks", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )

    assert (cors_headers(answer), cors_headers(preflight)) == ([], [])


def test_without_an_origin_nothing_is_said(board: Client) -> None:
    assert cors_headers(board.as_("viewer").get("tasks")) == []


@pytest.mark.parametrize("path", ["tasks", "tasks/0123456789abcdef01234567", "users", "/healthz"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_a_preflight_needs_no_token_and_tells_what_may_be_sent(path: str, method: str, board: Client) -> None:
    answer = board.open(
        "OPTIONS",
        path,
        headers={
            "Origin": BOARD,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization, content-type, if-match, x-evil",
        },
    )

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == BOARD
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == {
        "authorization",
        "content-type",
        "if-match",
    }
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW"])
def test_a_preflight_for_another_method_gets_no_leave(method: str, board: Client) -> None:
    answer = board.open(
        "OPTIONS", "tasks", headers={"Origin": BOARD, "Access-Control-Request-Method": method}
    )

    assert "Access-Control-Allow-Methods" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"), [("tasks", 401), ("/nowhere", 404), ("tasks?nonsense=1", 400), ("tasks/x", 404)]
)
def test_problems_can_be_read_too(path: str, status: int, board: Client) -> None:
    caller = board if status == 401 else board.as_("viewer")

    answer = caller.get(path, headers={"Origin": BOARD})

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == BOARD


def test_a_method_that_is_not_allowed_can_be_read_too(board: Client) -> None:
    answer = board.as_("viewer").put("tasks", {}, headers={"Origin": BOARD})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (405, BOARD)


@pytest.mark.parametrize(("condition", "status"), [("If-Match", 412), ("If-None-Match", 304)])
def test_an_answer_put_in_the_place_of_another_can_be_read(
    condition: str, status: int, board: Client, make_task: Callable[..., Task]
) -> None:
    tag = {"If-Match": '"7"', "If-None-Match": '"1"'}[condition]
    answer = board.as_("viewer").get(f"tasks/{make_task().id}", headers={"Origin": BOARD, condition: tag})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, BOARD)
    assert "Origin" in answer.headers["Vary"]


def test_by_default_no_origin_gets_leave(client: Client) -> None:
    for origin in (BOARD, LOCAL, "http://127.0.0.1:5000", "null"):
        answer = client.as_("viewer").get("tasks", headers={"Origin": origin})
        preflight = client.open(
            "OPTIONS", "tasks", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
        )
        assert (cors_headers(answer), cors_headers(preflight)) == ([], [])


@pytest.mark.parametrize("origins", [(), (BOARD,), (LOCAL,), ("*",), ("*", BOARD)])
def test_credentials_are_never_let_along(origins: tuple[str, ...], client_of: Callable[..., Client]) -> None:
    client = client_of(Settings(rate_limit=0, cors_origins=origins))

    for origin in (BOARD, LOCAL, "https://evil.example", "null"):
        for answer in (
            client.get("/healthz", headers={"Origin": origin}),
            client.open(
                "OPTIONS", "tasks", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
            ),
        ):
            assert "Access-Control-Allow-Credentials" not in answer.headers


def test_all_origins_may_be_let_in_if_the_settings_say_so(client_of: Callable[..., Client]) -> None:
    answer = client_of(Settings(cors_origins=("*",))).get("/healthz", headers={"Origin": "https://a.example"})

    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://a.example")


@pytest.mark.parametrize("origins", [(BOARD,), (LOCAL,), (BOARD, LOCAL)])
def test_an_answer_that_depends_on_the_origin_says_so_to_caches(
    origins: tuple[str, ...], client_of: Callable[..., Client]
) -> None:
    client = client_of(Settings(rate_limit=0, cors_origins=origins))

    for headers in ({"Origin": origins[0]}, {"Origin": "https://evil.example"}, {}):
        assert "Origin" in client.get("/openapi.json", headers=headers).headers.get("Vary", "")
