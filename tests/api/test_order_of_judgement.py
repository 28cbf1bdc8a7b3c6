"""Tests which of two mistakes in one request is reported, in this order:
401; 403 for the scope; 400, 413, 415; 422; 404; 403 for the role; 412; 409.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from tests.api.client import Answer, Client, mistakes, problem
from tests.api.operations import World
from tests.factories import an_id

pytestmark = pytest.mark.slow

NOWHERE = an_id()
LARGE = 1024 * 1024 + 1


@dataclass(kw_only=True, slots=True)
class Request:
    """A request that succeeds, for putting mistakes into."""

    method: str
    path: str
    key: str
    body: dict[str, Any]
    refused: Mapping[str, Any]  # what makes the body one that the rules refuse
    who: str | None = "admin"
    scopes: tuple[str, ...] = ()
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    encode: Callable[[bytes], bytes] = bytes

    def send(self, client: Client) -> Answer:
        caller = client if self.who is None else client.as_(self.who, *self.scopes)
        return caller.open(
            self.method,
            self.path.format(self.key),
            raw=self.encode(json.dumps(self.body).encode()),
            headers={"Content-Type": self.content_type} | self.headers,
            **self.query,
        )


def _no_token(request: Request) -> None:
    request.who = None


def _no_scope(request: Request) -> None:
    request.scopes = ("tasks:read", "users:read")


def _malformed_query(request: Request) -> None:
    request.query["nonsense"] = "1"


def _malformed_header(request: Request) -> None:
    request.headers["If-Match"] = "yesterday"


def _malformed_body(request: Request) -> None:
    request.encode = lambda body: body[:-1]


def _too_large(request: Request) -> None:
    request.encode = lambda body: body.ljust(LARGE)


def _another_type(request: Request) -> None:
    request.content_type = "text/plain"


def _invalid(request: Request) -> None:
    request.body["nonsense"] = 1


def _nowhere(request: Request) -> None:
    request.key = NOWHERE


def _no_right(request: Request) -> None:
    # One who must not: unless there is no token at all, or one too narrow.
    request.who = request.who and "viewer"


def _stale(request: Request) -> None:
    request.body["version"] = 99


def _refused(request: Request) -> None:
    request.body |= request.refused


# In the order of judgement; those of one group are judged in no particular order.
ORDER: tuple[tuple[tuple[Callable[[Request], None], str], ...], ...] = (
    ((_no_token, "unauthenticated"),),
    ((_no_scope, "scope_missing"),),
    (
        (_malformed_query, "malformed"),
        (_malformed_header, "malformed"),
        (_malformed_body, "malformed"),
        (_too_large, "too_large"),
        (_another_type, "unsupported_media_type"),
    ),
    ((_invalid, "invalid"),),
    ((_nowhere, "not_found"),),
    ((_no_right, "not_permitted"),),
    ((_stale, "stale"),),
    ((_refused, "refused"),),
)
PAIRS = [
    pytest.param(first, code, second, id=f"{first.__name__[1:]}-{second.__name__[1:]}")
    for earlier, later in combinations(ORDER, 2)
    for first, code in earlier
    for second, _ in later
]
SINGLE = [pytest.param(make, code, id=make.__name__[1:]) for group in ORDER for make, code in group]
REQUESTS = {
    "change_status": ("PUT", "tasks/{}/status", "task", {"status": "in_progress"}, {"status": "completed"}),
    "change_task": ("PATCH", "tasks/{}", "task", {"title": "New"}, {"status": "completed"}),
    "change_priority": (
        "PUT", "tasks/{}/priority", "task", {"priority": "high"}, {"priority": "urgent"},
    ),
    "change_user": ("PATCH", "users/{}", "boss", {"name": "New"}, {"active": False}),
}  # fmt: skip


@pytest.fixture(params=REQUESTS)
def request_of_one(request: pytest.FixtureRequest, world: World, client: Client) -> Request:
    """A request of this operation that succeeds."""
    method, path, thing, body, refused = REQUESTS[request.param]
    keys = {**world, "boss": client.as_("admin").user.id}  # the last active admin
    return Request(method=method, path=path, key=keys[thing], body=dict(body), refused=refused)


def test_without_a_mistake_the_request_succeeds(client: Client, request_of_one: Request) -> None:
    assert request_of_one.send(client).status_code == 200


@pytest.mark.parametrize(("make", "code"), SINGLE)
def test_a_single_mistake_is_answered(
    make: Callable[[Request], None], code: str, client: Client, request_of_one: Request
) -> None:
    make(request_of_one)

    assert request_of_one.send(client).json["code"] == code


@pytest.mark.parametrize(("earlier", "code", "later"), PAIRS)
def test_the_earlier_of_two_mistakes_is_answered(
    earlier: Callable[[Request], None],
    code: str,
    later: Callable[[Request], None],
    client: Client,
    request_of_one: Request,
) -> None:
    later(request_of_one)
    earlier(request_of_one)

    assert request_of_one.send(client).json["code"] == code


# --- further pairs, of other operations


def test_the_scope_of_what_is_included_goes_before_the_query(client: Client) -> None:
    narrow = client.as_("admin", "users:read")

    for query in ({"limit": "0"}, {"cursor": "x"}, {"nonsense": "1"}):
        problem(narrow.get("users", include="tasks", **query), "scope_missing")


def test_the_scope_of_other_peoples_tokens_goes_before_the_query(client: Client, world: World) -> None:
    narrow = client.as_("admin", "users:read")

    problem(narrow.get("tokens", user_id=world["user"], nonsense="1"), "scope_missing")


@pytest.mark.parametrize("path", ["users/{}/tasks", "tasks/{}/activity", "tasks/{}/comments"])
def test_a_bad_cursor_goes_before_a_thing_that_is_not_there(path: str, client: Client) -> None:
    problem(client.as_("admin").get(path.format(NOWHERE), cursor="x"), "malformed")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "tasks/{}"), ("POST", "tasks/{}/restore"), ("PUT", "tasks/{}/blocked-by/{}")],
)
def test_a_bad_precondition_goes_before_a_thing_that_is_not_there(
    method: str, path: str, client: Client
) -> None:
    for options in ({"headers": {"If-Match": '"1", "2"'}}, {"version": "0"}, {"dry_run": "1"}):
        answer = client.as_("viewer").open(method, path.format(NOWHERE, NOWHERE), **options)
        problem(answer, "malformed")


def test_two_different_versions_go_before_invalid_values(client: Client, world: World) -> None:
    body = {"status": "in_progress", "version": 2}

    answer = client.as_("viewer").put(f"tasks/{NOWHERE}/status", body, headers={"If-Match": '"1"'})

    assert mistakes(answer, "malformed") == [("header.If-Match", "malformed")]


@pytest.mark.parametrize(
    "given",
    [
        {"assignee_id": NOWHERE},
        {"parent_id": NOWHERE},
        {"blocked_by": [NOWHERE]},
    ],
    ids=lambda given: next(iter(given)),
)
@pytest.mark.parametrize("who", ["viewer", "admin"])
def test_a_reference_to_nothing_is_invalid_before_anything_else(
    given: dict[str, Any], who: str, client: Client, world: World
) -> None:
    caller = client.as_(who)
    everything = {"status": "completed", "version": 99} | given

    problem(caller.post("tasks", {"title": "x", "status": "completed"} | given), "invalid")
    problem(caller.patch(f"tasks/{world['task']}", everything), "invalid")
    problem(caller.patch(f"tasks/{NOWHERE}", everything), "invalid")


def test_references_to_nothing_are_all_named_at_once(client: Client, world: World) -> None:
    given = {"assignee_id": NOWHERE, "parent_id": NOWHERE, "blocked_by": [world["blocker"], NOWHERE]}

    made = client.as_("admin").post("tasks", {"title": "x"} | given)
    changed = client.as_("admin").patch(f"tasks/{world['task']}", given)

    expected = [
        ("body.assignee_id", "unknown_user"),
        ("body.blocked_by.1", "unknown_task"),
        ("body.parent_id", "unknown_task"),
    ]
    assert (mistakes(made, "invalid"), mistakes(changed, "invalid")) == (expected, expected)


def test_a_blocker_that_is_not_there_goes_before_the_right(client: Client, world: World) -> None:
    problem(client.as_("viewer").put(f"tasks/{world['task']}/blocked-by/{NOWHERE}"), "not_found")


def test_a_user_who_is_not_there_goes_before_the_right_to_see_their_tokens(client: Client) -> None:
    problem(client.as_("viewer").get("tokens", user_id=NOWHERE), "not_found")
    problem(client.as_("viewer").post("tokens", {"name": "job", "user_id": NOWHERE}), "not_found")


def test_who_has_seen_another_version_learns_of_the_new_holder_by_it(client: Client, world: World) -> None:
    member = client.as_("member")
    path = f"tasks/{world['task']}/assignee"

    stale = problem(member.put(path, {"assignee_id": "me", "version": 99}), "stale")

    assert stale["current"]["assignee_id"] == world["user"]
    problem(member.put(path, {"assignee_id": "me"}), "already_assigned")


def test_the_right_goes_before_a_taken_name(client: Client, world: World) -> None:
    problem(client.as_("manager").post("users", {"username": "ada", "name": "x"}), "not_permitted")


def test_a_stale_version_goes_before_a_taken_name(client: Client, world: World) -> None:
    answer = client.as_("admin").patch(f"users/{world['user']}", {"username": "bertha", "version": 9})

    problem(answer, "stale")
