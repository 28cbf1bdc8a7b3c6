"""Tests bearer tokens: authentication, scopes, expiry and revocation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.api.identity.callers import CACHE_SECONDS
from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes, problem
from tests.factories import SYSTEM, Clock

TEXT = re.compile(r"tm_[0-9a-f]{24}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def member(client: Client) -> Client:
    return client.as_("member")


def outlive_cache() -> None:
    """Until every worker has forgotten whom it knew."""
    time.sleep(CACHE_SECONDS + 0.05)


def test_a_new_token_is_shown_once_and_works(member: Client) -> None:
    made = member.post("tokens", {"name": "laptop"})

    assert made.status_code == 201
    assert TEXT.fullmatch(made.json["token"])
    assert made.json | {"token": "", "id": ""} == {
        "id": "", "user_id": member.user.id, "name": "laptop", "scopes": None, "token": "",
        "created_at": "2026-03-10T12:00:00.000Z", "expires_at": None, "last_used_at": None,
    }  # fmt: skip
    assert member.with_token(made.json["token"]).get("users/me").json["username"] == "member"
    assert all("token" not in row for row in member.get("tokens").json["items"])


def test_no_secret_is_stored(member: Client, contents: Callable[[], Any]) -> None:
    text = member.post("tokens", {"name": "laptop"}).json["token"]
    secret = text.split("_", 2)[2].encode()

    assert not any(secret in row for rows in contents().values() for row in rows)


def test_ones_own_tokens_are_listed_newest_first(client: Client, member: Client, clock: Clock) -> None:
    client.as_("manager").post("tokens", {"name": "another's"})
    for name in ("first", "second"):
        clock.advance(minutes=1)
        member.post("tokens", {"name": name, "scopes": ["tasks:read"]})

    listed = member.get("tokens").json["items"]

    assert [row["name"] for row in listed] == ["second", "first", "tests"]
    assert listed[0]["scopes"] == ["tasks:read"]


@pytest.mark.parametrize(
    "given",
    [
        None, "", "Bearer", "Bearer ", "Basic bWU6bWU=", "tm_x", "Token {}", "Bearer {}x", "Bearer x{}",
        "Bearer {} {}", "Bearer tm_0123456789abcdef01234567_x", "Bearer tm__", "Bearer tm_x_y",
        "Bearer tm_0123456789abcdef01234567", "Bearer 0123456789abcdef01234567", "Bearer null",
        "Bearer " + "x" * 5000, "Bearer \xff\xfe", "Bearer {},Bearer {}",
    ],
)  # fmt: skip
def test_nobody_is_let_in_without_a_valid_token(given: str | None, client: Client, member: Client) -> None:
    headers = {} if given is None else {"Authorization": given.replace("{}", str(member.token))}

    answer = client.get("users/me", headers=headers)

    problem(answer, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_secret_lets_nobody_in(client: Client, member: Client) -> None:
    known, secret = str(member.token)[:-43], str(member.token)[-43:]

    problem(client.with_token(known + secret[::-1]).get("users/me"), "unauthenticated")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_may_be_written_in_any_case(scheme: str, client: Client, member: Client) -> None:
    answer = client.get("users/me", headers={"Authorization": f"{scheme} {member.token}"})

    assert answer.status_code == 200


def test_a_token_in_the_query_lets_nobody_in(client: Client, member: Client) -> None:
    problem(client.get("users/me", access_token=str(member.token)), "unauthenticated")


def test_an_expired_token_lets_nobody_in(client: Client, member: Client, clock: Clock) -> None:
    text = member.post("tokens", {"name": "short", "expires_at": "2026-03-10T13:00:00Z"}).json["token"]
    short = client.with_token(text)
    assert short.get("users/me").status_code == 200

    clock.advance(hours=1)
    outlive_cache()

    problem(short.get("users/me"), "unauthenticated")


def test_a_revoked_token_lets_nobody_in_within_a_second(client: Client, member: Client) -> None:
    made = member.post("tokens", {"name": "lost"}).json
    holder = client.with_token(made["token"])
    assert holder.get("users/me").status_code == 200

    revoked = member.delete(f"tokens/{made['id']}")
    outlive_cache()

    assert (revoked.status_code, revoked.data) == (204, b"")
    problem(holder.get("users/me"), "unauthenticated")
    problem(member.delete(f"tokens/{made['id']}"), "not_found")


def test_a_token_is_revoked_by_itself(client: Client, member: Client) -> None:
    text = member.post("tokens", {"name": "lost"}).json["token"]

    assert member.delete(f"tokens/{text}").status_code == 204
    problem(member.delete(f"tokens/{text}"), "not_found")


@pytest.mark.parametrize(
    "path",
    ["tokens/{}", "tokens/{}x", "tokens/x{}", "tasks/{}", "users/{}", "tasks?{}=1", "tasks?assignee={}",
     "tasks?sort={}", "activity?by={}", "nowhere/{}"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_no_problem_echoes_a_secret(method: str, path: str, client: Client, member: Client) -> None:
    text = client.as_("manager").token
    assert text is not None

    answer = member.open(method, path.format(text))

    assert answer.status_code >= 400
    assert text.split("_", 2)[2] not in answer.text


def test_no_mistake_in_a_body_echoes_a_secret(client: Client) -> None:
    admin = client.as_("admin")
    token = str(admin.token)
    for body in ({token: 1}, {"title": "x", "status": token}, {"title": "x", "assignee_id": token}):
        answer = admin.post("tasks", body)

        assert answer.status_code == 422
        assert token.split("_", 2)[2] not in answer.text


def test_a_deactivated_users_tokens_let_nobody_in_within_a_second(client: Client, member: Client) -> None:
    assert member.get("users/me").status_code == 200
    client.as_("admin").patch(f"users/{member.user.id}", {"active": False})
    outlive_cache()

    problem(member.get("users/me"), "unauthenticated")


def test_a_demotion_takes_effect_within_a_second(client: Client) -> None:
    manager, admin = client.as_("manager"), client.as_("admin")
    assert manager.post("tasks", {"title": "x"}).status_code == 201
    admin.patch(f"users/{manager.user.id}", {"role": "viewer"})
    outlive_cache()

    problem(manager.post("tasks", {"title": "x"}), "not_permitted")


def test_the_use_of_a_token_is_noted_once_a_minute(
    client: Client, services: Services, clock: Clock, database: Any
) -> None:
    new = services.tokens.create(by=SYSTEM, user_id=client.as_("member").user.id, name="job")
    uses = []

    for seconds in (0, 59, 1):
        clock.advance(seconds=seconds)
        services.tokens.identify(new.text)
        uses.append(services.tokens.list(new.token.user_id, by=SYSTEM)[0].last_used_at)

    assert [at and at.second for at in uses] == [0, 0, 0]
    assert [at and at.minute for at in uses] == [0, 0, 1]


# --- no token makes a wider one


@pytest.mark.parametrize(
    "wanted",
    [None, ["tasks:write"], ["tasks:read", "tasks:write"], ["admin"]],
    ids=lambda wanted: "+".join(wanted or ["everything"]),
)
def test_no_token_creates_one_with_more_scopes(
    wanted: Any, client: Client, nothing_changes: Callable[[], Any]
) -> None:
    narrow = client.as_("admin", "tasks:read", "users:read")

    with nothing_changes():
        problem(narrow.post("tokens", {"name": "wider", "scopes": wanted}), "not_permitted")


def test_a_token_makes_one_as_narrow_as_itself(client: Client) -> None:
    narrow = client.as_("admin", "tasks:read", "users:read")

    made = narrow.post("tokens", {"name": "as narrow", "scopes": ["users:read", "tasks:read"]})

    assert made.json["scopes"] == ["users:read", "tasks:read"]


def test_scopes_do_not_go_beyond_the_role(client: Client) -> None:
    viewer = client.as_("viewer", "tasks:write", "users:write", "admin")

    problem(viewer.post("tasks", {"title": "x"}), "not_permitted")
    problem(viewer.post("users", {"username": "abc", "name": "x"}), "not_permitted")


# --- other people's


def test_an_admin_has_everybodys_tokens_in_hand(client: Client, member: Client) -> None:
    admin = client.as_("admin")
    made = admin.post("tokens", {"name": "given", "user_id": member.user.id}).json

    assert client.with_token(made["token"]).get("users/me").json["username"] == "member"
    listed = admin.get("tokens", user_id=member.user.id).json["items"]
    assert {row["name"] for row in listed} == {"given", "tests"}
    assert admin.delete(f"tokens/{made['id']}").status_code == 204


@pytest.mark.parametrize("who", ["viewer", "member", "manager"])
def test_nobody_else_has(who: str, client: Client, nothing_changes: Callable[[], Any]) -> None:
    caller, kim = client.as_(who), client.as_("admin").user.id
    (token,) = client.as_("admin").get("tokens").json["items"][:1]

    with nothing_changes():
        problem(caller.get("tokens", user_id=kim), "not_permitted")
        problem(caller.post("tokens", {"name": "x", "user_id": kim}), "not_permitted")
        problem(caller.delete(f"tokens/{token['id']}"), "not_found")


def test_other_peoples_tokens_take_the_scope_of_the_admin_only_calls(
    client: Client, member: Client, nothing_changes: Callable[[], Any]
) -> None:
    narrow = client.as_("admin", "tasks:read", "users:write")
    (token,) = member.get("tokens").json["items"]
    given = {"name": "x", "scopes": ["tasks:read"], "user_id": member.user.id}

    with nothing_changes():
        problem(narrow.get("tokens", user_id=member.user.id), "scope_missing")
        problem(narrow.post("tokens", given), "scope_missing")
        problem(narrow.delete(f"tokens/{token['id']}"), "not_found")
    wide = client.as_("admin", "tasks:read", "admin")
    assert wide.get("tokens", user_id=member.user.id).status_code == 200
    assert wide.post("tokens", given).status_code == 201
    assert wide.delete(f"tokens/{token['id']}").status_code == 204


def test_ones_own_tokens_may_be_asked_for_by_ones_own_id(client: Client) -> None:
    narrow = client.as_("member", "tasks:read")

    assert narrow.get("tokens", user_id=narrow.user.id).json == narrow.get("tokens").json


def test_there_is_no_new_token_for_a_deactivated_user(
    client: Client, member: Client, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    admin.patch(f"users/{member.user.id}", {"active": False})

    with nothing_changes():
        answer = admin.post("tokens", {"name": "too late", "user_id": member.user.id})

    assert mistakes(answer, "invalid") == [("body.user_id", "inactive_user")]
