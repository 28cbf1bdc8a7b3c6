"""Tests lists of tasks: what each filter selects, the order, and the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Client, mistakes
from tests.factories import SYSTEM, Clock, an_id


@pytest.fixture
def board(client: Client, make_task: Callable[..., Task], services: Any, clock: Clock) -> dict[str, str]:
    """Tasks by title, made a minute apart; `kim` has some, and so has the member who asks."""
    kim = client.as_("manager").user.id
    me = client.as_("member").user.id
    given: list[dict[str, Any]] = [
        {"title": "alpha", "status": "backlog", "priority": "low", "labels": ["ui", "fast"]},
        {"title": "beta", "assignee_id": kim, "priority": "high", "due_date": "2026-04-01"},
        {"title": "Gamma", "assignee_id": me, "status": "in_progress", "labels": ["ui"]},
        {"title": "delta", "assignee_id": kim, "status": "in_progress", "due_date": "2026-03-20T08:00:00Z"},
        {"title": "épsilon", "status": "cancelled", "reason": "No.", "due_date": "2026-03-15"},
        {
            "title": "zeta", "assignee_id": me, "priority": "urgent", "due_date": "2026-03-15",
            "labels": ["fast"],
        },
        {"title": "eta", "priority": "high"},
        {"title": "theta", "labels": ["ui", "fast", "größe"]},
    ]  # fmt: skip
    made = {}
    for fields in given:
        clock.advance(minutes=1)
        made[fields["title"]] = make_task(**fields).id
    services.tasks.change_status(made["delta"], status="completed", by=SYSTEM)
    services.tasks.bin(made["theta"], by=SYSTEM)
    return made


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [task["title"] for task in answer.json["items"]]


@pytest.fixture
def member(client: Client, board: dict[str, str]) -> Client:
    return client.as_("member")


FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "alpha beta Gamma delta épsilon zeta eta"),
    ({"status": "backlog"}, "alpha"),
    ({"status": "backlog,in_progress"}, "alpha Gamma"),
    ({"status": "in_review"}, ""),
    ({"category": "unstarted"}, "alpha beta zeta eta"),
    ({"category": "started"}, "Gamma"),
    ({"category": "completed"}, "delta"),
    ({"category": "cancelled"}, "épsilon"),
    ({"category": "open"}, "alpha beta Gamma zeta eta"),
    ({"category": "closed"}, "delta épsilon"),
    ({"category": "started,cancelled"}, "Gamma épsilon"),
    ({"category": "open", "status": "backlog,completed"}, "alpha"),
    ({"category": "closed", "status": "todo"}, ""),
    ({"priority": "high"}, "beta eta"),
    ({"priority": "low,urgent"}, "alpha zeta"),
    ({"assignee": "me"}, "Gamma zeta"),
    ({"assignee": "member"}, "Gamma zeta"),
    ({"assignee": "Member"}, "Gamma zeta"),
    ({"assignee": "none"}, "alpha épsilon eta"),
    ({"assignee": "manager"}, "beta delta"),
    ({"assignee": "me,none"}, "alpha Gamma épsilon zeta eta"),
    ({"assignee": "me,member"}, "Gamma zeta"),
    ({"label": "ui"}, "alpha Gamma"),
    ({"label": ["ui", "fast"]}, "alpha"),
    ({"label": "UI"}, "alpha Gamma"),
    ({"label": "u"}, ""),
    ({"bin": "true"}, "theta"),
    ({"bin": "false"}, "alpha beta Gamma delta épsilon zeta eta"),
    ({"bin": "true", "label": "größe"}, "theta"),
    ({"priority": "high", "assignee": "manager", "category": "open"}, "beta"),
    ({"id": "0123456789abcdef01234567"}, ""),
    ({"created_by": "system:tests"}, "alpha beta Gamma delta épsilon zeta eta"),
    ({"created_by": "me"}, ""),
    ({"created_by": "me,system:tests", "priority": "high"}, "beta eta"),
    ({"parent": "none", "priority": "high"}, "beta eta"),
    ({"parent": "0123456789abcdef01234567"}, ""),
    ({"blocked_by": "0123456789abcdef01234567"}, ""),
    ({"blocked": "true"}, ""),
    ({"blocked": "false", "priority": "high"}, "beta eta"),
    ({"overdue": "true"}, ""),
    ({"overdue": "false", "priority": "high"}, "beta eta"),
    ({"due": "none"}, "alpha Gamma eta"),
    ({"due": "any"}, "beta delta épsilon zeta"),
    ({"due_from": "2026-03-20", "due_to": "2026-03-20"}, "delta"),
    ({"due_from": "2026-03-20T08:00:00Z"}, "beta delta"),
    ({"due_to": "2026-03-20T08:00:00Z"}, "épsilon zeta"),
    ({"due_to": "2026-03-15"}, "épsilon zeta"),
    ({"due_to": "2026-03-14"}, ""),
    ({"due_to": "9999-12-31"}, "beta delta épsilon zeta"),
    ({"created_from": "2026-03-10T12:06:00Z"}, "zeta eta"),
    ({"created_to": "2026-03-10T13:03:00+01:00"}, "alpha beta"),
    ({"created_from": "2026-03-10", "created_to": "2026-03-10", "priority": "high"}, "beta eta"),
    ({"updated_from": "2026-03-10T12:08:00Z"}, "delta"),
    ({"updated_to": "2026-03-09"}, ""),
    ({"q": "gamma"}, "Gamma"),
    ({"q": "EPSILON"}, "épsilon"),
    ({"q": "gam"}, "Gamma"),
    ({"q": "am"}, ""),
    ({"q": "u FAS"}, "alpha"),
    ({"q": "fast", "category": "open"}, "alpha zeta"),
    ({"q": "ui fast"}, "alpha"),
]


def test_a_word_in_the_title_is_the_best_match_unless_a_sort_is_given(
    client: Client, make_task: Callable[..., Task], clock: Clock
) -> None:
    for title, more in [
        ("Login page", {}),
        ("Other", {"labels": ["login"]}),
        ("Third", {"description": "The login"}),
        ("Logins", {}),
    ]:
        clock.advance(minutes=1)
        make_task(title=title, **more)
    viewer = client.as_("viewer")

    assert titles(viewer.get("tasks", q="login")) == ["Login page", "Logins", "Other", "Third"]
    by_age = viewer.get("tasks", q="login", sort="-created_at")
    assert titles(by_age) == ["Logins", "Third", "Other", "Login page"]
    walked = walk(viewer, "tasks", q="login", limit="1", total="true")
    assert [task["title"] for task in walked] == ["Login page", "Logins", "Other", "Third"]


def test_only_the_fields_that_are_asked_for_come(client: Client, board: dict[str, str]) -> None:
    (task,) = client.as_("viewer").get("tasks", fields="title,category", q="gamma").json["items"]
    assert task == {"title": "Gamma", "category": "started"}

    (task,) = client.as_("viewer").get("tasks", fields="id", include="assignee", q="gamma").json["items"]
    assert set(task) == {"id", "assignee"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"blocked": "yes"}, "not_allowed"),
        ({"overdue": ""}, "not_allowed"),
        ({"due": "today"}, "not_allowed"),
        ({"due_from": "2026-02-30"}, "bad_date"),
        ({"due_to": "2026-03-20T08:00:00"}, "no_offset"),
        ({"created_from": "1969-12-31"}, "out_of_range"),
        ({"updated_to": "yesterday"}, "bad_date"),
        ({"q": ""}, "no_words"),
        ({"q": "-_!"}, "no_words"),
        ({"q": " ".join(f"w{n}" for n in range(21))}, "no_words"),
        ({"q": "x" * 201}, "too_long"),
        ({"parent": "me"}, "bad_id"),
        ({"blocked_by": "none"}, "bad_id"),
        ({"created_by": "nobody"}, "unknown_user"),
        ({"fields": "id,secret"}, "not_allowed"),
        ({"fields": ""}, "not_allowed"),
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_meant_is_refused(query: dict[str, str], code: str, member: Client) -> None:
    (name,) = query

    assert mistakes(member.get("tasks", **query), "malformed") == [(f"query.{name}", code)]


@pytest.mark.parametrize(("query", "expected"), FILTERS, ids=lambda value: str(value) or "none")
def test_a_filter_lets_through_what_it_names_and_nothing_else(
    query: dict[str, Any], expected: str, member: Client
) -> None:
    assert titles(member.get("tasks", sort="created_at", **query)) == expected.split()


def test_ids_are_a_filter(member: Client, board: dict[str, str]) -> None:
    wanted = ",".join([board["eta"], board["beta"], board["theta"], an_id()])

    assert titles(member.get("tasks", id=wanted, sort="created_at")) == ["beta", "eta"]


def test_an_assignee_may_be_named_by_id(member: Client) -> None:
    assert titles(member.get("tasks", assignee=member.user.id, sort="title")) == ["Gamma", "zeta"]


def test_the_newest_come_first_unless_told_otherwise(member: Client) -> None:
    assert titles(member.get("tasks")) == ["eta", "zeta", "épsilon", "delta", "Gamma", "beta", "alpha"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("title", "alpha beta delta épsilon eta Gamma zeta"),
        ("-title", "zeta Gamma eta épsilon delta beta alpha"),
        ("due_date,created_at", "épsilon zeta delta beta alpha Gamma eta"),
        ("-due_date,created_at", "alpha Gamma eta beta delta épsilon zeta"),
        ("priority,title", "alpha delta épsilon Gamma beta eta zeta"),
        ("-priority,-title", "zeta eta beta Gamma épsilon delta alpha"),
        ("created_at", "alpha beta Gamma delta épsilon zeta eta"),
        ("updated_at,title", "alpha beta Gamma épsilon zeta eta delta"),
        ("-status_changed_at,title", "delta eta zeta épsilon Gamma beta alpha"),
    ],
)
def test_a_sort_orders_and_undated_tasks_come_last_ascending(
    sort: str, expected: str, member: Client
) -> None:
    assert titles(member.get("tasks", sort=sort)) == expected.split()


@pytest.mark.parametrize("query", [{"assignee": "nobody"}, {"assignee": an_id()}, {"assignee": "me,nobody"}])
def test_an_unknown_assignee_is_a_mistake_and_no_empty_answer(query: dict[str, str], member: Client) -> None:
    assert mistakes(member.get("tasks", **query), "malformed") == [("query.assignee", "unknown_user")]


def test_every_unknown_assignee_is_named(member: Client) -> None:
    answer = member.get("tasks", assignee="nobody,member,noone")

    assert [error["detail"] for error in answer.json["errors"]] == [
        "Unknown username: nobody.",
        "Unknown username: noone.",
    ]


def test_a_deactivated_user_is_still_somebody_to_filter_by(client: Client, member: Client) -> None:
    admin = client.as_("admin")
    kim = client.as_("manager").user.id
    admin.patch(f"users/{kim}", {"active": False})

    assert titles(member.get("tasks", assignee="manager", sort="title")) == ["beta", "delta"]


def test_the_tasks_of_a_user_are_those_that_the_filter_finds(member: Client) -> None:
    of_user = member.get(f"users/{member.user.id}/tasks", sort="title", category="open")

    assert of_user.json == member.get("tasks", assignee="me", sort="title", category="open").json
    assert titles(of_user) == ["Gamma", "zeta"]


def test_the_tasks_of_a_user_cannot_be_filtered_by_another(member: Client) -> None:
    answer = member.get(f"users/{member.user.id}/tasks", assignee="none")

    assert mistakes(answer, "malformed") == [("query.assignee", "unknown_parameter")]


# --- pages


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_a_page_has_as_many_items_as_the_limit_allows(limit: int, member: Client) -> None:
    answer = member.get("tasks", limit=str(limit))

    assert len(answer.json["items"]) == min(limit, 7)
    assert set(answer.json) == {"items", "next"}
    assert (answer.json["next"] is None) == (limit >= 7)


@pytest.mark.parametrize(
    ("query", "total"), [({}, 7), ({"category": "open"}, 5), ({"bin": "true"}, 1), ({"label": "x"}, 0)]
)
def test_the_total_counts_all_that_match_whatever_the_page(
    query: dict[str, str], total: int, member: Client
) -> None:
    first = member.get("tasks", total="true", limit="1", **query).json

    assert first["total"] == total
    if first["next"] is not None:
        assert member.get("tasks", total="true", cursor=first["next"], **query).json["total"] == total


def test_without_being_asked_for_there_is_no_total(member: Client) -> None:
    assert "total" not in member.get("tasks", total="false").json


def test_an_empty_list_is_a_list(client: Client) -> None:
    assert client.as_("viewer").get("tasks", total="true").json == {"items": [], "next": None, "total": 0}


def walk(client: Client, path: str, behind: str | None = None, **query: Any) -> list[dict[str, Any]]:
    """All the items behind a cursor, page by page."""
    items: list[dict[str, Any]] = []
    cursor = {} if behind is None else {"cursor": behind}
    while True:
        page = client.get(path, **query, **cursor).json
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


def _due_key(task: dict[str, Any]) -> tuple[bool, str]:
    due = task["due_date"]
    # A plain date is due when its day ends: as text just behind every moment of that day.
    return due is None, "" if due is None else due.ljust(24, "~")


_RANKS = {"low": 0, "medium": 1, "high": 2, "urgent": 3}
SORTS: dict[str, list[tuple[Callable[[dict[str, Any]], Any], bool]]] = {
    "created_at": [(lambda t: (t["created_at"], t["id"]), False)],
    "-created_at": [(lambda t: (t["created_at"], t["id"]), True)],
    "due_date": [(lambda t: (_due_key(t), t["id"]), False)],
    "-due_date": [(lambda t: (_due_key(t), t["id"]), True)],
    "-priority,due_date": [
        (lambda t: (_due_key(t), t["id"]), False),
        (lambda t: _RANKS[t["priority"]], True),
    ],
    "priority,-title": [
        (lambda t: (t["title"].casefold(), t["id"]), True),
        (lambda t: _RANKS[t["priority"]], False),
    ],
}


@pytest.fixture
def crowd(services: Any, clock: Clock) -> list[str]:
    """Forty tasks with many equal keys."""
    dates = ("2026-03-15", None, "2026-03-15T10:00:00Z", "2026-04-01", None)
    made = []
    for number in range(40):
        if number % 3 == 0:
            clock.advance(minutes=1)
        task = services.tasks.create(
            by=SYSTEM, title=f"{'aAbBc'[number % 5]}", priority=tuple(_RANKS)[number % 4],
            due_date=dates[number % 5], reason="Because.",
        )  # fmt: skip
        made.append(task.id)
    return made


@pytest.mark.parametrize("sort", SORTS)
def test_a_walk_over_the_pages_is_what_python_sorts(sort: str, client: Client, crowd: list[str]) -> None:
    viewer = client.as_("viewer")
    expected = viewer.get("tasks", limit="200").json["items"]
    for key, descending in SORTS[sort]:
        expected.sort(key=key, reverse=descending)

    for limit in ("1", "7", "40"):
        walked = walk(viewer, "tasks", sort=sort, limit=limit)
        assert [task["id"] for task in walked] == [task["id"] for task in expected]


def test_a_walk_misses_and_repeats_nothing_while_tasks_come_and_go(
    client: Client, crowd: list[str], clock: Clock
) -> None:
    admin = client.as_("admin")
    first = admin.get("tasks", limit="10").json
    clock.advance(minutes=1)
    admin.post("tasks", {"title": "new"})  # before the place
    admin.delete(f"tasks/{first['items'][-1]['id']}")  # the very item of the cursor

    rest = walk(admin, "tasks", behind=first["next"], limit="10")

    assert sorted(task["id"] for task in [*first["items"], *rest]) == sorted(crowd)


@pytest.mark.parametrize(
    ("path", "query"),
    [("users", {}), ("users", {"include": "tasks"}), ("tasks/{}/activity", {}), ("activity", {})],
)
def test_other_lists_are_walked_alike(
    path: str, query: dict[str, str], client: Client, crowd: list[str]
) -> None:
    admin = client.as_("admin")
    for number in range(5):
        admin.post("users", {"username": f"user-{number}", "name": "User"})
        admin.patch(f"tasks/{crowd[0]}", {"title": f"Title {number}"})
    path = path.format(crowd[0])

    full_page = admin.get(path, limit="200", total="true", **query).json

    assert full_page["next"] is None
    assert full_page["total"] == len(full_page["items"]) > 4
    assert walk(admin, path, limit="2", **query) == full_page["items"]


@pytest.mark.parametrize("more", [{}, {"due": "any"}, {"due_to": "2100-01-01"}, {"status": "todo,completed"}])
def test_a_filter_holds_whatever_stands_beside_it(
    more: dict[str, str], client: Client, clock: Clock, board: dict[str, str]
) -> None:
    manager = client.as_("manager")
    clock.now = datetime(2026, 3, 25, tzinfo=UTC)
    filters = {"overdue": "true", "due_from": "2000-01-01", **more}

    assert titles(manager.get("tasks", **filters)) == ["zeta"]
    changed = manager.post("tasks/bulk", {"where": filters, "change": {"labels": ["late"]}, "expect": 1})
    assert [result["id"] for result in changed.json["results"]] == [board["zeta"]]


def test_a_word_of_a_label_counts_whatever_its_case_and_accents(
    client: Client, make_task: Callable[..., Task], clock: Clock
) -> None:
    for title, more in [("labelled", {"labels": ["café noir"]}), ("described", {"description": "Cafe."})]:
        clock.advance(minutes=1)
        make_task(title=title, **more)

    assert titles(client.as_("member").get("tasks", q="cafe")) == ["labelled", "described"]
