"""Tests versions: a change applies to the expected version, or the response is the current one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes, problem
from tests.api.operations import BY_NAME, GUARDED, Operation, World
from tests.factories import SYSTEM

pytestmark = pytest.mark.slow

every_guarded = pytest.mark.parametrize("operation", GUARDED, ids=lambda o: o.name)
with_version = pytest.mark.parametrize(
    "operation",
    [o for o in GUARDED if o.body is not None or o.name == "restore_task"],
    ids=lambda o: o.name,
)
without_body = pytest.mark.parametrize(
    "operation",
    [o for o in GUARDED if o.body is None and o.name != "delete_comment"],
    ids=lambda o: o.name,
)
# What each operation is about, to be read and compared.
THINGS = {
    "change_user": "users/{user}",
    "change_project": "projects/{project}",
    "change_comment": "tasks/{task}/comments/{comment}",
    "delete_comment": "tasks/{task}/comments/{comment}",
}
ONE_THING = [BY_NAME[name] for name in ("get_task", "get_project", "get_user", "get_me")]
GARBAGE = [
    "", "7", "'1'", '"one"', '"1', '1"', '"0"', '"-1"', '"01"', '"1.0"', '"1", "2"', '"1","1"',
    '*, "1"', 'w/"1"', 'W/1', '""', '"1"; "2"', "null", '"' + "9" * 30 + '"',
]  # fmt: skip


@pytest.fixture
def admin(client: Client) -> Client:
    return client.as_("admin")


@every_guarded
@pytest.mark.parametrize("given", ['"{}"', 'W/"{}"', "*", ' "{}"'])
def test_the_seen_version_lets_a_write_through(
    operation: Operation, given: str, admin: Client, world: World, versions: dict[str, int]
) -> None:
    tag = given.format(versions[operation.name])

    answer = world.ask(admin, operation, headers={"If-Match": tag})

    assert answer.status_code == 200, answer.text


@pytest.fixture
def versions(world: World, admin: Client, database: Any) -> dict[str, int]:
    """The version of what each operation is about."""
    rows = {
        str(row["_id"]): row["version"]
        for name in ("tasks", "projects", "users", "comments", "views", "webhooks")
        for row in database[name].find()
    }
    return {
        operation.name: rows[world["comment" if "comment" in operation.name else _thing(operation.path)]]
        for operation in GUARDED
    }


def _thing(path: str) -> str:
    return path.partition("{")[2].partition("}")[0]


@every_guarded
@pytest.mark.parametrize("tag", ['"99"', 'W/"99"'])
def test_a_stale_tag_is_answered_with_the_present_state_and_changes_nothing(
    operation: Operation,
    tag: str,
    admin: Client,
    world: World,
    versions: dict[str, int],
    nothing_changes: Callable[[], Any],
) -> None:
    with nothing_changes():
        answer = world.ask(admin, operation, headers={"If-Match": tag})

    current = problem(answer, "stale")["current"]
    assert current["version"] == versions[operation.name]
    assert current["id"] in world.values()


def test_the_present_state_is_the_whole_thing_as_it_is_read(admin: Client, world: World) -> None:
    for path, body in (
        (f"tasks/{world['task']}", {"title": "x", "version": 9}),
        (f"users/{world['user']}", {"name": "x", "version": 9}),
    ):
        assert problem(admin.patch(path, body), "stale")["current"] == admin.get(path).json


def test_the_present_state_hides_what_the_caller_may_not_see(client: Client, admin: Client) -> None:
    member = client.as_("member")
    admin.patch(f"users/{member.user.id}", {"email": "member@example.org"})

    own = member.patch(f"users/{member.user.id}", {"name": "x", "version": 9})

    assert problem(own, "stale")["current"]["email"] == "member@example.org"


@with_version
def test_a_stale_version_in_the_body_is_refused(
    operation: Operation, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    body = {**(world.fill(operation.body) or {}), "version": 99}

    with nothing_changes():
        problem(world.ask(admin, operation, body=body), "stale")


@with_version
def test_the_seen_version_may_stand_in_the_body_and_beside_an_equal_tag(
    operation: Operation, admin: Client, world: World, versions: dict[str, int]
) -> None:
    version = versions[operation.name]
    body = {**(world.fill(operation.body) or {}), "version": version}

    answer = world.ask(admin, operation, body=body, headers={"If-Match": f'"{version}"'})

    assert answer.status_code == 200, answer.text


def test_a_tag_of_a_version_that_cannot_be_is_stale(admin: Client, world: World) -> None:
    path = world.fill("tasks/{task}")
    headers = {"If-Match": '"9999999999999999999"'}

    problem(admin.patch(path, {"title": "x"}, headers=headers), "stale")
    problem(admin.get(path, headers=headers), "stale")


def test_a_version_with_an_empty_fraction_is_as_whole_as_without(admin: Client, world: World) -> None:
    path = world.fill("tasks/{task}")
    headers = {"Content-Type": "application/json"}

    stale = admin.open("PATCH", path, raw=b'{"title": "x", "version": 99.0}', headers=headers)
    problem(stale, "stale")
    broken = admin.open("PATCH", path, raw=b'{"title": "x", "version": 1.5}', headers=headers)
    assert mistakes(broken, "invalid") == [("body.version", "wrong_type")]


@with_version
def test_a_null_version_is_none(operation: Operation, admin: Client, world: World) -> None:
    body = {**(world.fill(operation.body) or {}), "version": None}

    assert world.ask(admin, operation, body=body).status_code == 200


@with_version
def test_a_tag_and_a_body_that_differ_are_malformed(
    operation: Operation, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    body = {**(world.fill(operation.body) or {}), "version": 1}

    with nothing_changes():
        answer = world.ask(admin, operation, body=body, headers={"If-Match": '"2"'})

    assert mistakes(answer, "malformed") == [("header.If-Match", "malformed")]


@without_body
def test_a_version_in_the_query_is_a_precondition_too(
    operation: Operation,
    admin: Client,
    world: World,
    versions: dict[str, int],
    nothing_changes: Callable[[], Any],
) -> None:
    with nothing_changes():
        problem(world.ask(admin, operation, version="99"), "stale")
        differing = world.ask(admin, operation, version="1", headers={"If-Match": '"2"'})
        assert mistakes(differing, "malformed") == [("header.If-Match", "malformed")]
    answer = world.ask(admin, operation, version=str(versions[operation.name]))
    assert answer.status_code == 200, answer.text


def test_a_version_in_the_query_and_another_in_the_body_are_malformed(
    admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    path = f"tasks/{world['binned']}/restore"

    with nothing_changes():
        answer = admin.post(path, {"version": 2}, version="1")

    assert mistakes(answer, "malformed") == [("query.version", "malformed")]


@every_guarded
def test_anything_else_as_a_tag_is_malformed_and_changes_nothing(
    operation: Operation, admin: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        for tag in GARBAGE:
            answer = world.ask(admin, operation, headers={"If-Match": tag})
            assert mistakes(answer, "malformed") == [("header.If-Match", "malformed")], tag


def test_any_tag_does_not_bring_back_what_is_gone(admin: Client, world: World) -> None:
    answer = admin.patch(f"tasks/{world['binned']}", {"title": "x"}, headers={"If-Match": "*"})

    problem(answer, "not_found")


def test_the_tag_of_an_answer_is_good_for_the_next_write(admin: Client, world: World) -> None:
    path = f"tasks/{world['task']}"
    first = admin.patch(path, {"title": "One"})

    second = admin.patch(path, {"title": "Two"}, headers={"If-Match": first.headers["ETag"]})
    third = admin.patch(path, {"title": "Three"}, headers={"If-Match": first.headers["ETag"]})

    assert (second.json["title"], second.headers["ETag"]) == ("Two", '"3"')
    assert problem(third, "stale")["current"] == second.json


def test_a_change_to_what_already_is_makes_no_new_version(admin: Client, world: World) -> None:
    path = f"tasks/{world['task']}"
    before = admin.get(path)

    after = admin.patch(path, {"title": before.json["title"]})

    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])


def test_a_change_to_what_already_is_still_has_its_precondition_judged(admin: Client, world: World) -> None:
    path = f"tasks/{world['task']}"
    same = {"title": admin.get(path).json["title"]}

    problem(admin.patch(path, same, headers={"If-Match": '"9"'}), "stale")


# --- questions


@pytest.mark.parametrize("operation", ONE_THING, ids=lambda o: o.name)
def test_a_things_tag_is_its_version(operation: Operation, admin: Client, world: World) -> None:
    answer = world.ask(admin, operation)

    assert answer.headers["ETag"] == f'"{answer.json["version"]}{_view(operation, admin)}"'
    assert answer.headers["Cache-Control"] == "no-cache, private"


def _view(operation: Operation, client: Client) -> str:
    """Returns what stands behind the version in a tag, where a path shows different things."""
    return f"-{client.user.id}-0" if operation.name == "get_me" else ""


@pytest.mark.parametrize("operation", ONE_THING, ids=lambda o: o.name)
@pytest.mark.parametrize("given", ['"{}"', 'W/"{}"', '"7", "{}"', "*", '"7", W/"{}"'])
def test_what_the_caller_has_is_not_sent_again(
    operation: Operation, given: str, admin: Client, world: World
) -> None:
    tag = world.ask(admin, operation).headers["ETag"].strip('"')
    answer = world.ask(admin, operation, headers={"If-None-Match": given.format(tag)})

    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == f'"{tag}"'
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Cache-Control"] == "no-cache, private"


@pytest.mark.parametrize("operation", ONE_THING, ids=lambda o: o.name)
@pytest.mark.parametrize("given", ['"12"', '"11"', '"12", "11"', "garbage", ""])
def test_what_the_caller_has_not_is_sent(
    operation: Operation, given: str, admin: Client, world: World
) -> None:
    assert world.ask(admin, operation, headers={"If-None-Match": given}).status_code == 200


def test_a_tag_of_a_user_without_the_address_is_not_good_for_one_with_it(
    client: Client, admin: Client, services: Services
) -> None:
    ada = admin.post("users", {"username": "ada", "name": "Ada", "email": "ada@example.org"}).json
    path, member = f"users/{ada['id']}", client.as_("member")
    hidden = member.get(path)
    services.users.change(member.user.id, {"role": "manager"}, by=SYSTEM)
    promoted = client.as_("member").get(path, headers={"If-None-Match": hidden.headers["ETag"]})
    services.users.change(member.user.id, {"role": "member"}, by=SYSTEM)
    demoted = client.as_("member").get(path, headers={"If-None-Match": promoted.headers["ETag"]})

    assert (hidden.status_code, hidden.json["email"]) == (200, None)
    assert (promoted.status_code, promoted.json["email"]) == (200, "ada@example.org")
    assert (demoted.status_code, demoted.json["email"]) == (200, None)


def test_at_users_me_nobodys_tag_is_good_for_another(client: Client) -> None:
    tag = client.as_("member").get("users/me").headers["ETag"]

    answer = client.as_("viewer").get("users/me", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json["username"]) == (200, "viewer")


def test_every_tag_of_a_user_and_the_plain_version_is_good_as_a_precondition(
    client: Client, admin: Client, world: World
) -> None:
    path, member = f"users/{world['user']}", client.as_("member")
    hidden, own = member.get(path).headers["ETag"], client.as_("ada").get("users/me").headers["ETag"]
    version = admin.get(path).json["version"]
    given = (hidden, own, f"W/{hidden}", f'"{version}"')
    stale = hidden.replace(f'"{version}', f'"{version + 1}')

    assert len(set(given)) == 4
    for tag in given:
        assert member.get(path, headers={"If-Match": tag}).status_code == 200
        assert admin.patch(path, {"name": "Ada"}, headers={"If-Match": tag}).status_code == 200
    problem(member.get(path, headers={"If-Match": stale}), "stale")
    problem(admin.patch(path, {"name": "x"}, headers={"If-Match": stale}), "stale")


def test_after_a_change_the_old_tag_brings_the_new_state(admin: Client, world: World) -> None:
    path = f"tasks/{world['task']}"
    tag = admin.get(path).headers["ETag"]
    admin.patch(path, {"title": "New"})

    answer = admin.get(path, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json["title"]) == (200, "New")


@pytest.mark.parametrize("given", ['"1"', 'W/"1"', "*"])
def test_a_question_for_the_present_version_is_answered(given: str, admin: Client, world: World) -> None:
    assert admin.get(f"tasks/{world['task']}", headers={"If-Match": given}).status_code == 200


def test_a_question_for_another_version_is_answered_with_the_present_one(admin: Client, world: World) -> None:
    answer = admin.get(f"tasks/{world['task']}", headers={"If-Match": '"7"'})

    assert problem(answer, "stale")["current"] == admin.get(f"tasks/{world['task']}").json


def test_a_write_takes_no_notice_of_what_the_caller_has(admin: Client, world: World) -> None:
    answer = admin.patch(f"tasks/{world['task']}", {"title": "x"}, headers={"If-None-Match": '"1"'})

    assert answer.status_code == 200


def test_a_private_answer_without_a_tag_is_not_kept_anywhere(admin: Client, world: World) -> None:
    for answer in (
        admin.get("workflow"),
        admin.get(f"tasks/{world['task']}/transitions"),
        admin.get("tokens"),
        admin.post("tokens", {"name": "job"}),
        admin.get("tasks/nothing"),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
