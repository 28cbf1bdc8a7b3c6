"""Tests that bodies are read strictly: everything ambiguous is rejected, and nothing is changed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.client import Client, mistakes, problem
from tests.api.operations import BY_NAME, OPERATIONS, World

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}
WITH_BODY = [o for o in OPERATIONS if o.body is not None] + [BY_NAME["restore_task"]]


def nested(levels: int, opening: str, closing: str) -> bytes:
    return f'{{"title": "x", "labels": {opening * (levels - 1)}{closing * (levels - 1)}}}'.encode()


MALFORMED = {
    "a key twice": b'{"title": "a", "title": "b"}',
    "a key twice, once escaped": b'{"title": "a", "\\u0074itle": "b"}',
    "a key twice further in": b'{"title": "a", "labels": [{"a": 1, "a": 1}]}',
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"version": Infinity}',
    "-Infinity": b'{"version": -Infinity}',
    "a high surrogate alone": b'{"title": "\\ud800"}',
    "a low surrogate alone": b'{"title": "a\\udfffb"}',
    "surrogates the wrong way round": b'{"title": "\\udc00\\ud800"}',
    "a surrogate in a key": b'{"\\ud800": 1}',
    "a surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "a byte that is not UTF-8": b'{"title": "\xff"}',
    "an overlong form": b'{"title": "\xc0\xaf"}',
    "Latin-1": '{"title": "Größe"}'.encode("latin-1"),
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "NUL": b'{"title": "a\x00b"}',
    "NUL escaped": b'{"title": "a\\u0000b"}',
    "NUL in a list": b'{"labels": ["a", "\\u0000"]}',
    "NUL in a key": b'{"ti\\u0000tle": "a"}',
    "NUL in a key further in": b'{"title": {"a": {"\\u0000": 1}}}',
    "a control character as it is": b'{"title": "a\nb"}',
    "more than 64 bits": b'{"version": 9223372036854775808}',
    "less than 64 bits": b'{"version": -9223372036854775809}',
    "a hundred digits": b'{"version": ' + b"9" * 100 + b"}",
    "a million digits": b'{"version": ' + b"9" * 1_000_000 + b"}",
    "a number beyond a float": b'{"version": 1e400}',
    "33 levels of lists": nested(33, "[", "]"),
    "33 levels of objects": nested(33, '{"a":', "").replace(b'"a":}', b'"a": 1}') + b"}" * 32,
    "100,000 brackets": b"[" * 100_000,
    "100,000 brackets, closed": b"[" * 100_000 + b"]" * 100_000,
    "100,000 braces": b'{"a":' * 100_000,
    "1,001 keys": json.dumps(dict.fromkeys(map(str, range(1_001)))).encode(),
    "an operator": b'{"title": {"$gt": ""}}',
    "an operator as a field": b'{"$set": {"title": "x"}}',
    "a dollar inside a key": b'{"ti$tle": "x"}',
    "a path as a key": b'{"assignee.role": "admin"}',
    "a path as a key further in": b'{"labels": [[{"a.b": 1}]]}',
    "half of it": b'{"title": "x"',
    "a trailing comma": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "a comment": b'{"title": "x"} // what',
    "two of them": b'{"title": "x"}{"title": "x"}',
    "a leading zero": b'{"version": 01}',
    "blanks": b"  \n",
    "no JSON at all": b"title=x",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_refused_by_every_operation_that_takes_one(
    raw: bytes, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for operation in WITH_BODY:
            answer = admin.open(operation.method, world.fill(operation.path), raw=raw, headers=JSON)
            assert mistakes(answer, "malformed") == [("body", "malformed")]


@pytest.mark.parametrize(
    "raw", [nested(32, "[", "]"), b'{"version": 9223372036854775807}', b'{"version": -9223372036854775808}']
)
def test_what_is_just_within_the_bounds_is_read_and_judged(raw: bytes, client: Client) -> None:
    problem(client.as_("admin").post("tasks", raw=raw, headers=JSON), "invalid")


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"title"', b"1", b"true", b'[{"title": "x"}]', b"0.5"])
def test_a_body_that_is_no_object_is_invalid(
    raw: bytes, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for operation in WITH_BODY:
            answer = admin.open(operation.method, world.fill(operation.path), raw=raw, headers=JSON)
            assert mistakes(answer, "invalid") == [("body", "wrong_type")]


@pytest.mark.parametrize("headers", [{}, JSON, {"Content-Type": "application/merge-patch+json"}])
def test_an_empty_body_is_refused_where_one_is_needed(
    headers: dict[str, str], client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for operation in WITH_BODY:
            if operation.name != "restore_task":
                answer = admin.open(operation.method, world.fill(operation.path), headers=headers)
                assert mistakes(answer, "malformed") == [("body", "malformed")]


@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_body_that_may_be_left_out_may_be_empty(
    headers: dict[str, str], client: Client, world: World
) -> None:
    answer = client.as_("admin").post(f"tasks/{world['binned']}/restore", headers=headers)

    assert answer.status_code == 200


# --- what it says it is

NOT_OURS = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "application/json-patch+json",
    "application/vnd.api+json",
    "text/json",
    "*/*",
    "json",
    "",
    "application/json; charset=latin-1",
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
]


@pytest.mark.parametrize("content_type", NOT_OURS)
def test_a_body_of_another_type_is_refused(
    content_type: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for operation in WITH_BODY:
            raw = json.dumps(world.fill(operation.body)).encode()
            headers = {"Content-Type": content_type}
            answer = admin.open(operation.method, world.fill(operation.path), raw=raw, headers=headers)
            problem(answer, "unsupported_media_type")


def test_a_body_without_a_type_is_refused(client: Client, nothing_changes: Callable[[], Any]) -> None:
    member = client.as_("member")

    with nothing_changes():
        problem(member.post("tasks", raw=b'{"title": "x"}'), "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "what"])
def test_an_encoded_body_is_refused(
    encoding: str, client: Client, nothing_changes: Callable[[], Any]
) -> None:
    member = client.as_("member")
    raw = gzip.compress(b'{"title": "x"}')

    with nothing_changes():
        answer = member.post("tasks", raw=raw, headers=JSON | {"Content-Encoding": encoding})
        problem(answer, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": 'Application/JSON;charset="UTF-8"'},
        {"Content-Type": "application/json; charset=utf8", "Content-Encoding": "identity"},
    ],
)
def test_json_may_be_said_in_several_ways(headers: dict[str, str], client: Client) -> None:
    answer = client.as_("member").post("tasks", raw='{"title": "Größe 🚀"}'.encode(), headers=headers)

    assert answer.json["title"] == "Größe 🚀"


def test_a_merge_patch_may_say_what_it_is(client: Client, world: World) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}

    answer = client.as_("admin").patch(f"tasks/{world['task']}", raw=b'{"title": "New"}', headers=headers)

    assert answer.json["title"] == "New"


def test_what_is_no_patch_may_not_call_itself_one(
    client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    headers = {"Content-Type": "application/merge-patch+json"}

    with nothing_changes():
        for operation in (o for o in WITH_BODY if o.method != "PATCH"):
            raw = json.dumps(world.fill(operation.body)).encode()
            answer = admin.open(operation.method, world.fill(operation.path), raw=raw, headers=headers)
            problem(answer, "unsupported_media_type")


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 3 * 1024 * 1024])
def test_a_body_over_a_mebibyte_is_too_large(
    size: int, client: Client, nothing_changes: Callable[[], Any]
) -> None:
    member = client.as_("member")
    raw = b'{"title": "x"}'.ljust(size)

    with nothing_changes():
        problem(member.post("tasks", raw=raw, headers=JSON), "too_large")


def test_a_body_of_a_mebibyte_is_taken(client: Client) -> None:
    raw = b'{"title": "x"}'.ljust(1024 * 1024)

    assert client.as_("member").post("tasks", raw=raw, headers=JSON).status_code == 201


# --- what it may hold

EXTRA = {"id": "0123456789abcdef01234567", "version": 1, "_id": 1, "Title": "x", "__class__": {}, "": 1}


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda o: o.name)
def test_an_unknown_field_is_named_with_those_that_there_are(
    operation: Any, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    body = {**(world.fill(operation.body) or {}), "nonsense": 1, "_id": 2}

    with nothing_changes():
        answer = admin.open(operation.method, world.fill(operation.path), body)

    assert mistakes(answer, "invalid") == [("body._id", "unknown_field"), ("body.nonsense", "unknown_field")]
    for error in answer.json["errors"]:
        assert set(world.fill(operation.body) or ()) <= set(error["allowed"])


WRONG_TASKS = [
    ("title", None, "null"),
    ("title", "", "blank"),
    ("title", " \u200b\u00a0", "blank"),
    ("title", "x" * 201, "too_long"),
    ("title", "a\tb", "control_character"),
    ("title", "a\u2028b", "control_character"),
    ("title", 1, "wrong_type"),
    ("title", ["x"], "wrong_type"),
    ("title", {"gt": ""}, "wrong_type"),
    ("description", "x" * 20_001, "too_long"),
    ("description", 1, "wrong_type"),
    ("status", "done", "not_allowed"),
    ("status", "TODO", "not_allowed"),
    ("status", ["todo"], "not_allowed"),
    ("status", {"ne": "todo"}, "not_allowed"),
    ("priority", 3, "not_allowed"),
    ("priority", "High", "not_allowed"),
    ("priority", True, "not_allowed"),
    ("due_date", "tomorrow", "bad_date"),
    ("due_date", "2026-02-30", "bad_date"),
    ("due_date", "2026-3-1", "bad_date"),
    ("due_date", "2026-03-01T10:00:00", "no_offset"),
    ("due_date", "2026-03-01T25:00:00Z", "bad_date"),
    ("due_date", "1969-12-31", "out_of_range"),
    ("due_date", "9999-12-31T23:59:59-01:00", "out_of_range"),
    ("due_date", 1_767_225_600, "bad_date"),
    ("due_date", "", "bad_date"),
    ("assignee_id", "@ada", "bad_id"),
    ("assignee_id", "none", "bad_id"),
    ("assignee_id", "0123456789abcdef01234567", "unknown_user"),
    ("assignee_id", 1, "bad_id"),
    ("labels", "a", "wrong_type"),
    ("labels", {"0": "a"}, "wrong_type"),
    ("labels", [str(number) for number in range(21)], "too_many"),
    ("parent_id", "me", "bad_id"),
    ("parent_id", "0123456789abcdef01234567", "unknown_task"),
    ("blocked_by", "0123456789abcdef01234567", "wrong_type"),
    ("blocked_by", [f"{number:024x}" for number in range(51)], "too_many"),
    ("reason", " ", "blank"),
    ("reason", "x" * 1_001, "too_long"),
    ("reason", 1, "wrong_type"),
    ("override", "true", "wrong_type"),
    ("override", 1, "wrong_type"),
]
WRONG_ITEMS = [
    ("labels.1", ["a", ""], "blank"),
    ("labels.0", ["a,b"], "comma"),
    ("labels.0", ["x" * 41], "too_long"),
    ("labels.2", ["a", "b", 3], "wrong_type"),
    ("labels.0", [["a"]], "wrong_type"),
    ("labels.0", [None], "wrong_type"),
    ("blocked_by.0", ["x"], "bad_id"),
    ("blocked_by.0", ["0123456789abcdef01234567"], "unknown_task"),
    ("blocked_by.0", [{"id": "x"}], "bad_id"),
]


@pytest.mark.parametrize(("place", "value", "code"), WRONG_TASKS + WRONG_ITEMS)
def test_a_value_that_no_task_can_have_is_named(
    place: str, value: Any, code: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    field = place.partition(".")[0]

    with nothing_changes():
        made = admin.post("tasks", {"title": "x", field: value})
        changed = admin.patch(f"tasks/{world['task']}", {field: value})

    expected = [(f"body.{place}", code)]
    assert (mistakes(made, "invalid"), mistakes(changed, "invalid")) == (expected, expected)


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True, [1], {"gte": 1}])
def test_a_version_is_a_whole_number_from_1(
    version: Any, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for name in ("change_task", "change_status", "change_priority", "assign", "change_user"):
            operation = BY_NAME[name]
            body = {**world.fill(operation.body), "version": version}
            answer = admin.open(operation.method, world.fill(operation.path), body)
            assert [place for place, _ in mistakes(answer, "invalid")] == ["body.version"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", "ab", "bad_username"),
        ("username", "x" * 41, "bad_username"),
        ("username", "ada lovelace", "bad_username"),
        ("username", "größe", "bad_username"),
        ("username", "me", "bad_username"),
        ("username", "none", "reserved"),
        ("username", "NONE", "reserved"),
        ("username", "0123456789ABCDEF01234567", "reserved"),
        ("username", 1, "wrong_type"),
        ("username", None, "null"),
        ("name", "", "blank"),
        ("name", "x" * 101, "too_long"),
        ("name", None, "null"),
        ("email", "ada", "bad_email"),
        ("email", "a@b@c", "bad_email"),
        ("email", "ada @example.org", "bad_email"),
        ("email", "a@" + "x" * 253, "too_long"),
        ("role", "root", "not_allowed"),
        ("role", None, "null"),
        ("role", {"ne": "viewer"}, "not_allowed"),
        ("kind", "robot", "not_allowed"),
    ],
)
def test_a_value_that_no_user_can_have_is_named(
    field: str, value: Any, code: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        made = admin.post("users", {"username": "grace", "name": "Grace", field: value})
        changed = admin.patch(f"users/{world['user']}", {field: value})

    expected = [(f"body.{field}", code)]
    assert (mistakes(made, "invalid"), mistakes(changed, "invalid")) == (expected, expected)


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        ("name", "", "blank"),
        ("name", None, "null"),
        ("name", "x" * 101, "too_long"),
        ("scopes", [], "blank"),
        ("scopes", "tasks:read", "wrong_type"),
        ("scopes", {"tasks:read": True}, "wrong_type"),
        ("scopes", 1, "wrong_type"),
        ("scopes.0", ["everything"], "not_allowed"),
        ("scopes.0", [["tasks:read"]], "not_allowed"),
        ("scopes.0", [{"tasks": "read"}], "not_allowed"),
        ("scopes.1", ["tasks:read", None], "not_allowed"),
        ("expires_at", "2026-03-10", "bad_date"),
        ("expires_at", "2026-04-01T00:00:00", "no_offset"),
        ("expires_at", "2026-03-10T12:00:00Z", "past"),
        ("expires_at", 1_800_000_000, "bad_date"),
        ("user_id", "ada", "bad_id"),
        ("user_id", {"ne": None}, "bad_id"),
    ],
)
def test_a_value_that_no_token_can_have_is_named(
    place: str, value: Any, code: str, client: Client, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        answer = admin.post("tokens", {"name": "job", place.partition(".")[0]: value})

    assert mistakes(answer, "invalid") == [(f"body.{place}", code)]


@pytest.mark.parametrize("text", [None, "", " \n", "x" * 10_001, 1, ["x"]])
def test_a_comment_without_a_readable_text_is_invalid(
    text: Any, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        answer = admin.post(f"tasks/{world['task']}/comments", {"text": text})

    assert [place for place, _ in mistakes(answer, "invalid")] == ["body.text"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [("tasks", ["title"]), ("users", ["name", "username"]), ("tokens", ["name"])],
)
def test_what_must_be_given_is_named(path: str, fields: list[str], client: Client) -> None:
    answer = client.as_("admin").post(path, {})

    assert mistakes(answer, "invalid") == [(f"body.{field}", "required") for field in fields]


def test_all_mistakes_are_told_at_once(client: Client) -> None:
    body = {"title": "", "priority": 1, "labels": ["a", ""], "due_date": "soon", "nonsense": True}

    assert mistakes(client.as_("member").post("tasks", body), "invalid") == [
        ("body.due_date", "bad_date"),
        ("body.labels.1", "blank"),
        ("body.nonsense", "unknown_field"),
        ("body.priority", "not_allowed"),
        ("body.title", "blank"),
    ]


def test_a_hundred_mistakes_are_told_at_once_and_no_more(client: Client) -> None:
    body = dict.fromkeys(map(str, range(1_000)))

    assert len(mistakes(client.as_("member").post("tasks", body), "invalid")) == 100


def test_a_mistake_comes_with_what_is_allowed(client: Client) -> None:
    answer = client.as_("member").post("tasks", {"title": "x", "priority": "max", "status": "done"})

    assert {e["location"]: e["allowed"] for e in problem(answer, "invalid")["errors"]} == {
        "body.priority": ["low", "medium", "high", "urgent"],
        "body.status": ["backlog", "todo", "in_progress", "in_review", "completed", "cancelled"],
    }
