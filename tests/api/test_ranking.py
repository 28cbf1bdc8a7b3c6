"""Tests the order by hand in the API: its own call, in a change, and in a bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Client, mistakes, problem

RANKS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "none of the four": ({}, [("", "required")]),
    "two of the four": ({"first": True, "before": "TASK-1"}, [("", "not_allowed")]),
    "false": ({"first": False}, [("first", "not_allowed")]),
    "a number for true": ({"last": 1}, [("last", "wrong_type")]),
    "a text for true": ({"last": "true"}, [("last", "wrong_type")]),
    "no id and no key": ({"before": "the first"}, [("before", "bad_id")]),
    "a number for a task": ({"after": 17}, [("after", "bad_id")]),
    "an object for a task": ({"after": {"id": "TASK-1"}}, [("after", "bad_id")]),
    "a fifth": ({"second": True}, [("second", "unknown_field")]),
}


@pytest.fixture
def abc(make_task: Callable[..., Task]) -> list[Task]:
    return [make_task(title=title) for title in "abc"]


def order(client: Client, **filters: str) -> str:
    return "".join(task["title"] for task in client.get("tasks", sort="rank", **filters).json["items"])


def test_a_task_is_put_next_to_another_by_its_key_or_id(client: Client, abc: list[Task]) -> None:
    admin = client.as_("admin")

    answer = admin.put("tasks/task-3/rank", {"before": "task-1"})
    assert (answer.status_code, answer.json["version"], answer.headers["ETag"]) == (200, 2, '"2"')
    assert order(admin) == "cab"

    assert admin.put(f"tasks/{abc[2].id}/rank", {"after": abc[1].id}).json["version"] == 3
    assert (order(admin), order(admin, project="TASK")) == ("abc", "abc")
    assert admin.get("tasks", sort="-rank").json["items"][0]["key"] == "TASK-3"


def test_a_task_is_not_ranked_next_to_itself(
    client: Client, abc: list[Task], nothing_changes: Callable[[], Any]
) -> None:
    admin = client.as_("admin")
    with nothing_changes():
        for own in (abc[1].id, "task-2"):
            for side in ("before", "after"):
                place = {side: own}
                answer = admin.put("tasks/TASK-2/rank", place)
                assert mistakes(answer, "invalid") == [(f"body.{side}", "not_allowed")]
                answer = admin.patch("tasks/TASK-2", {"title": "x", "rank": place})
                assert mistakes(answer, "invalid") == [(f"body.rank.{side}", "not_allowed")]

    assert answer.json["errors"][0]["detail"] == "A task cannot be ranked next to itself: give another task."


def test_a_ranking_needs_the_version_that_the_caller_has_seen(client: Client, abc: list[Task]) -> None:
    admin = client.as_("admin")

    stale = admin.put("tasks/TASK-3/rank", {"first": True}, headers={"If-Match": '"7"'})
    in_the_body = admin.put("tasks/TASK-3/rank", {"first": True, "version": 7})

    assert problem(stale, "stale")["current"]["version"] == 1
    assert problem(in_the_body, "stale")["current"]["version"] == 1
    assert order(admin) == "abc"


def test_a_drop_on_a_board_is_one_command(client: Client, abc: list[Task]) -> None:
    admin = client.as_("admin")
    admin.put("tasks/TASK-3/assignee", {"assignee_id": "me"})

    moved = admin.patch("tasks/TASK-3", {"status": "in_progress", "rank": {"before": "TASK-2"}}).json

    assert (moved["version"], moved["status"], order(admin)) == (3, "in_progress", "acb")
    log = admin.get("tasks/TASK-3/activity").json["items"]
    assert [entry["kind"] for entry in log] == ["task.status_changed", "task.assigned", "task.created"]
    assert {"status", "rank"} < {*log[0]["after"]}


def test_a_drop_that_is_refused_leaves_the_order(client: Client, abc: list[Task]) -> None:
    admin = client.as_("admin")

    refused = admin.patch("tasks/TASK-3", {"status": "in_progress", "rank": {"first": True}})

    assert [reason["code"] for reason in problem(refused, "refused")["reasons"]] == ["assignee_required"]
    assert order(admin) == "abc"


@pytest.mark.parametrize("name", RANKS)
def test_a_place_that_is_none_is_named(
    name: str, client: Client, abc: list[Task], nothing_changes: Callable[[], Any]
) -> None:
    rank, expected = RANKS[name]
    admin = client.as_("admin")

    with nothing_changes():
        ranked = admin.put("tasks/TASK-3/rank", rank)
        changed = admin.patch("tasks/TASK-3", {"rank": rank})
        bulk = admin.post("tasks/bulk", {"operations": [{"op": "rank", "id": "TASK-3", **rank}]})

    def located(place: str) -> list[tuple[str, str]]:
        return [(f"{place}.{location}".removesuffix("."), code) for location, code in expected]

    assert mistakes(ranked, "invalid") == located("body")
    assert mistakes(changed, "invalid") == located("body.rank")
    (row,) = bulk.json["results"]
    errors = row["problem"]["errors"]
    assert [error["code"] for error in errors] == [code for _, code in expected]


@pytest.mark.parametrize(("rank", "code"), [(None, "null"), ("first", "wrong_type"), ([], "wrong_type")])
def test_a_rank_that_is_no_object_is_named(rank: Any, code: str, client: Client, abc: list[Task]) -> None:
    answer = client.as_("admin").patch("tasks/TASK-3", {"rank": rank})

    assert mistakes(answer, "invalid") == [("body.rank", code)]


def test_a_neighbour_that_does_not_exist_is_named(client: Client, abc: list[Task]) -> None:
    admin = client.as_("admin")

    ranked = admin.put("tasks/TASK-3/rank", {"before": "TASK-9"})
    changed = admin.patch("tasks/TASK-3", {"rank": {"after": "TASK-9"}})

    assert mistakes(ranked, "invalid") == [("body.before", "unknown_task")]
    assert mistakes(changed, "invalid") == [("body.rank.after", "unknown_task")]


def test_an_unknown_task_cannot_be_ranked(client: Client, abc: list[Task]) -> None:
    problem(client.as_("admin").put("tasks/TASK-9/rank", {"first": True}), "not_found")


def test_a_new_task_has_no_place(client: Client) -> None:
    answer = client.as_("admin").post("tasks", {"title": "x", "rank": {"first": True}})

    assert mistakes(answer, "invalid") == [("body.rank", "unknown_field")]
