"""Tests that queries are read strictly: a misspelt or ambiguous parameter never returns more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from taskmgr.api.app import create_app
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.api.client import Client, mistakes, problem
from tests.api.hostile import TAKES_ANY_QUERY
from tests.api.operations import BY_NAME, DRY, OPERATIONS, World

pytestmark = pytest.mark.slow

STRICT = [operation for operation in OPERATIONS if operation.name not in TAKES_ANY_QUERY]
every_operation = pytest.mark.parametrize("operation", STRICT, ids=lambda o: o.name)
LISTS = [
    BY_NAME[name]
    for name in (
        "list_tasks", "list_tasks_of_user", "list_users", "list_task_activity", "list_activity",
        "list_comments",
    )
]  # fmt: skip
every_list = pytest.mark.parametrize("operation", LISTS, ids=lambda o: o.name)


@every_operation
def test_an_unknown_parameter_is_named_and_nothing_is_done(
    operation: Any, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    world.prepare(admin, operation)

    with nothing_changes():
        answer = world.ask(admin, operation, nonsense="1", Limit="5")

    assert mistakes(answer, "malformed") == [
        ("query.Limit", "unknown_parameter"),
        ("query.nonsense", "unknown_parameter"),
    ]
    assert all("allowed" in error for error in answer.json["errors"])


def test_a_misspelt_parameter_is_told_those_that_there_are(client: Client) -> None:
    answer = client.as_("viewer").get("tasks", asignee="me")

    (error,) = problem(answer, "malformed")["errors"]
    assert {"assignee", "status", "limit", "cursor"} <= set(error["allowed"])


@pytest.mark.parametrize(
    "query",
    [
        "limit=5&limit=5", "limit=5&limit=6", "sort=title&sort=title", "status=todo&status=todo",
        "cursor=a&cursor=b", "bin=true&bin=false", "total=true&total=true",
    ],
)  # fmt: skip
def test_a_repeated_parameter_is_refused(query: str, client: Client) -> None:
    name = query.partition("=")[0]

    answer = client.as_("viewer").get(f"tasks?{query}")

    assert mistakes(answer, "malformed") == [(f"query.{name}", "repeated")]


@pytest.mark.parametrize("query", ["limit=%00", "limit=5%00", "%00=1", "limit=%FF", "%FF=1", "a=%ED%A0%80"])
def test_nul_and_broken_utf_8_are_refused_everywhere(
    query: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for operation in OPERATIONS:
            body = {} if operation.body is None else {"body": world.fill(operation.body)}
            answer = admin.open(operation.method, f"{world.fill(operation.path)}?{query}", **body)
            assert mistakes(answer, "malformed") == [("query", "malformed")]


@every_list
def test_a_limit_outside_1_to_200_is_refused(operation: Any, client: Client, world: World) -> None:
    admin = client.as_("admin")

    for text in ("0", "201", "-1", "+5", " 5", "5 ", "5.0", "1e1", "0x5", "1_0", "٣", "５", "", "9" * 5000):
        answer = world.ask(admin, operation, limit=text)
        assert [place for place, _ in mistakes(answer, "malformed")] == ["query.limit"]


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("bin", "1"), ("bin", "True"), ("bin", ""), ("bin", "yes"), ("total", "TRUE"), ("total", "0"),
        ("status", "done"), ("status", "Todo"), ("status", ""), ("status", "todo,"),
        ("status", "todo, backlog"), ("status", "open"), ("category", "todo"),
        ("category", "OPEN"), ("category", ""), ("priority", "3"), ("priority", "HIGH"),
        ("priority", ""), ("priority", "low,"),
        ("assignee", "ab"), ("assignee", "a b"), ("assignee", ""), ("assignee", "me,"),
        ("id", "x"), ("id", ""), ("id", "0123456789ABCDEF01234567"),
        ("id", ",".join(["0123456789abcdef01234567"] * 101)),
        ("label", ""), ("label", "a,b"), ("label", "x" * 41), ("label", "a\tb"),
        ("sort", ""), ("sort", "name"), ("sort", "-"), ("sort", "--title"), ("sort", "+title"),
        ("sort", "title,"), ("sort", "_id"), ("sort", "Title"),
        ("sort", "title,title"), ("sort", "title,-title"),
        ("cursor", ""), ("cursor", "x"), ("cursor", "é"), ("cursor", "A" * 10_000),
    ],
)  # fmt: skip
def test_a_value_that_a_parameter_cannot_have_is_refused(parameter: str, text: str, client: Client) -> None:
    answer = client.as_("viewer").get("tasks", **{parameter: text})

    assert {place.split(".")[1] for place, _ in mistakes(answer, "malformed")} == {parameter}


@pytest.mark.parametrize(
    "query", ["status[$ne]=todo", "status[]=todo", "assignee.role=admin", "$where=1", "status.$ne=todo"]
)
def test_an_operator_in_a_query_is_an_unknown_parameter(query: str, client: Client) -> None:
    answer = client.as_("viewer").get(f"tasks?{quote(query, safe='=')}")

    assert [code for _, code in mistakes(answer, "malformed")] == ["unknown_parameter"]


@pytest.mark.parametrize(
    ("parameter", "text", "allowed"),
    [
        ("status", "done", {"backlog", "todo", "in_progress", "in_review", "completed", "cancelled"}),
        ("category", "x", {"open", "closed", "unstarted", "started", "completed", "cancelled"}),
        ("priority", "x", {"low", "medium", "high", "urgent"}),
        ("bin", "x", {"true", "false"}),
    ],
)
def test_a_mistake_comes_with_what_there_is(
    parameter: str, text: str, allowed: set[str], client: Client
) -> None:
    (error,) = problem(client.as_("viewer").get("tasks", **{parameter: text}), "malformed")["errors"]

    assert set(error["allowed"]) == allowed


def test_all_mistakes_in_a_query_are_told_at_once(client: Client) -> None:
    answer = client.as_("viewer").get("tasks", limit="0", status="done", nonsense="1", sort="name")

    assert [place for place, _ in mistakes(answer, "malformed")] == [
        "query.limit", "query.nonsense", "query.sort", "query.status",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["1", "yes", "True", "", "truе"])
def test_a_dry_run_that_is_not_said_plainly_is_no_run_at_all(
    text: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for operation in DRY:
            answer = world.ask(admin, operation, dry_run=text)
            assert mistakes(answer, "malformed") == [("query.dry_run", "not_allowed")]


@pytest.mark.parametrize("name", ["bin_task", "restore_task", "block", "unblock", "delete_comment"])
def test_a_version_in_a_query_is_a_whole_number_from_1(
    name: str, client: Client, world: World, nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")

    with nothing_changes():
        for text in ("0", "-1", "1.0", "", '"1"', "*", str(2**63)):
            answer = world.ask(admin, BY_NAME[name], version=text)
            assert [place for place, _ in mistakes(answer, "malformed")] == ["query.version"]


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("include", "task"),
        ("include", "tasks,tasks"),
        ("include", ""),
        ("tasks_limit", "101"),
        ("tasks_limit", "-1"),
    ],
)
def test_a_value_that_a_list_of_users_does_not_know_is_refused(
    parameter: str, text: str, client: Client
) -> None:
    answer = client.as_("viewer").get("users", **{"include": "tasks", parameter: text})

    assert [place for place, _ in mistakes(answer, "malformed")] == [f"query.{parameter}"]


@pytest.mark.parametrize("text", ["ada", "me", "", "0123456789abcdef0123456"])
def test_whose_tokens_is_said_by_an_id(text: str, client: Client) -> None:
    answer = client.as_("admin").get("tokens", user_id=text)

    assert mistakes(answer, "malformed") == [("query.user_id", "bad_id")]


# --- cursors


@pytest.fixture
def cursor(client: Client) -> str:
    """The cursor behind the first of two tasks, by default filters and sort."""
    member = client.as_("member")
    for title in ("First", "Second"):
        member.post("tasks", {"title": title})
    return str(member.get("tasks", limit="1").json["next"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"status": "todo"},
        {"category": "open"},
        {"priority": "medium"},
        {"assignee": "none"},
        {"label": "a"},
        {"bin": "true"},
        {"id": "0123456789abcdef01234567"},
        {"sort": "created_at"},
        {"sort": "-updated_at"},
        {"sort": "-created_at,title"},
    ],
    ids=lambda parameters: "-".join(*parameters.items()),
)
def test_a_cursor_of_another_filter_or_sort_is_refused(
    parameters: dict[str, str], client: Client, cursor: str
) -> None:
    answer = client.as_("member").get("tasks", cursor=cursor, **parameters)

    assert mistakes(answer, "malformed") == [("query.cursor", "bad_cursor")]


@pytest.mark.parametrize("parameters", [{}, {"limit": "200"}, {"total": "true"}, {"sort": "-created_at"}])
def test_a_cursor_holds_for_any_size_of_page(parameters: dict[str, str], client: Client, cursor: str) -> None:
    answer = client.as_("member").get("tasks", cursor=cursor, **parameters)

    assert [task["title"] for task in answer.json["items"]] == ["First"]


@pytest.mark.parametrize("name", ["list_users", "list_task_activity", "list_activity", "list_comments"])
def test_a_cursor_of_another_list_is_refused(name: str, client: Client, world: World, cursor: str) -> None:
    answer = world.ask(client.as_("admin"), BY_NAME[name], cursor=cursor)

    assert mistakes(answer, "malformed") == [("query.cursor", "bad_cursor")]


def test_a_cursor_of_another_tasks_log_is_refused(client: Client) -> None:
    member = client.as_("member")
    first, second = (member.post("tasks", {"title": "x", "assignee_id": "me"}).json["id"] for _ in range(2))
    for key in (first, second):
        member.patch(f"tasks/{key}", {"title": "y"})
    cursor = member.get(f"tasks/{first}/activity", limit="1").json["next"]

    answer = member.get(f"tasks/{second}/activity", cursor=cursor)

    assert mistakes(answer, "malformed") == [("query.cursor", "bad_cursor")]


def test_a_cursor_of_users_with_tasks_is_none_of_users_without(client: Client, world: World) -> None:
    viewer = client.as_("viewer")
    cursor = viewer.get("users", include="tasks", limit="1").json["next"]

    assert mistakes(viewer.get("users", cursor=cursor), "malformed") == [("query.cursor", "bad_cursor")]


def test_a_cursor_that_was_cut_is_refused(client: Client, cursor: str) -> None:
    member = client.as_("member")

    for length in range(len(cursor)):
        problem(member.get("tasks", cursor=cursor[:length]), "malformed")


def test_a_cursor_that_was_bent_is_refused(client: Client, cursor: str) -> None:
    member = client.as_("member")
    altered = [
        cursor[:place] + ("B" if cursor[place] == "A" else "A") + cursor[place + 1 :]
        for place in range(len(cursor) - 1)  # the last one may hold bits that mean nothing
    ]

    for text in [*altered, cursor + "AAAA", "AAAA" + cursor, cursor * 2, cursor.swapcase()]:
        problem(member.get("tasks", cursor=text), "malformed")


def test_a_cursor_signed_with_another_key_is_refused(client: Client, cursor: str, services: Services) -> None:
    app = create_app(services, Settings(), secret_key="another key than that of the other tests")
    member = Client(app, services).as_("member")

    assert mistakes(member.get("tasks", cursor=cursor), "malformed") == [("query.cursor", "bad_cursor")]


@pytest.mark.parametrize(
    ("path", "name"),
    [("tasks", "due_from"), ("tasks", "updated_to"), ("activity", "at_from"), ("activity", "at_to")],
)
def test_a_plus_that_has_become_a_blank_is_explained(path: str, name: str, client: Client) -> None:
    viewer = client.as_("viewer")

    (error,) = problem(viewer.get(f"{path}?{name}=2026-03-01T10:00:00+02:00"), "malformed")["errors"]

    assert (error["location"], error["code"]) == (f"query.{name}", "bad_date")
    assert "write `%2B`" in error["detail"]
    assert viewer.get(f"{path}?{name}=2026-03-01T10:00:00%2B02:00").status_code == 200
    (error,) = problem(viewer.get(f"{path}?{name}=soon"), "malformed")["errors"]
    assert "%2B" not in error["detail"]
