"""Tests comments: all but viewers write them; authors, managers and admins change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from tests.api.client import Client, mistakes, problem


@pytest.fixture
def task(make_task: Callable[..., Task]) -> Task:
    return make_task()


def add_comment(client: Client, task: Task, text: str = "Looks good") -> dict[str, Any]:
    answer = client.post(f"tasks/{task.id}/comments", {"text": text})
    assert answer.status_code == 201
    return dict(answer.json)


def test_a_comment_has_its_own_place_version_and_author(client: Client, task: Task) -> None:
    member = client.as_("member")

    answer = member.post(f"tasks/{task.id}/comments", {"text": "  Looks good  "})

    assert answer.json["text"] == "Looks good"
    assert (answer.json["author_id"], answer.json["task_id"]) == (member.user.id, task.id)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/api/v1/tasks/{task.id}/comments/{answer.json['id']}"
    found = member.get(answer.headers["Location"])
    assert (found.status_code, found.json, found.headers["ETag"]) == (200, answer.json, '"1"')
    assert member.get(f"tasks/{task.id}").json["version"] == 1


def test_a_comment_that_the_caller_has_already_is_not_sent_again(client: Client, task: Task) -> None:
    member = client.as_("member")
    path = f"tasks/{task.id}/comments/{add_comment(member, task)['id']}"

    assert member.get(path, headers={"If-None-Match": '"1"'}).status_code == 304
    member.patch(path, {"text": "Better"})
    again = member.get(path, headers={"If-None-Match": '"1"'})
    assert (again.status_code, again.json["text"], again.headers["ETag"]) == (200, "Better", '"2"')


def test_comments_come_oldest_first_and_page_by_page(client: Client, task: Task) -> None:
    member = client.as_("member")
    texts = [add_comment(member, task, f"Number {n}")["text"] for n in range(5)]

    found: list[str] = []
    query: dict[str, Any] = {"limit": "2"}
    while True:
        page = member.get(f"tasks/{task.id}/comments", **query).json
        found += [comment["text"] for comment in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]

    assert found == texts


@pytest.mark.parametrize(
    ("who", "status"), [("viewer", 403), ("member", 403), ("manager", 200), ("admin", 200)]
)
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_comment_of_somebody_else_is_changed_by_managers_alone(
    client: Client, task: Task, make_user: Callable[..., Any], who: str, status: int, method: str
) -> None:
    make_user("author")
    comment = add_comment(client.as_("author"), task)
    body = {"body": {"text": "Changed"}} if method == "PATCH" else {}

    answer = client.as_(who).open(method, f"tasks/{task.id}/comments/{comment['id']}", **body)

    assert answer.status_code == status


def test_a_viewer_may_read_but_not_write(client: Client, task: Task) -> None:
    add_comment(client.as_("member"), task)
    viewer = client.as_("viewer")

    (comment,) = viewer.get(f"tasks/{task.id}/comments").json["items"]
    assert viewer.get(f"tasks/{task.id}/comments/{comment['id']}").json == comment
    problem(viewer.post(f"tasks/{task.id}/comments", {"text": "Hello"}), "not_permitted")


def test_changing_a_comment_makes_a_new_version_and_a_log_entry(client: Client, task: Task) -> None:
    member = client.as_("member")
    path = f"tasks/{task.id}/comments/{add_comment(member, task)['id']}"

    assert member.patch(path, {"text": "Better"}).json["version"] == 2
    assert member.patch(path, {"text": "Better"}).json["version"] == 2
    problem(member.patch(path, {"text": "Late", "version": 1}), "stale")
    log = member.get("activity", entity="comment").json["items"]
    assert [entry["kind"] for entry in log] == ["comment.changed", "comment.created"]


def test_a_deleted_comment_is_gone_but_for_the_log(client: Client, task: Task) -> None:
    member = client.as_("member")
    comment = add_comment(member, task, "Delete me")
    path = f"tasks/{task.id}/comments/{comment['id']}"

    assert member.delete(path).json["text"] == "Delete me"

    assert member.get(f"tasks/{task.id}/comments").json["items"] == []
    problem(member.delete(path), "not_found")
    problem(member.get(path), "not_found")
    entry = member.get("activity", entity_id=comment["id"]).json["items"][0]
    assert (entry["kind"], entry["before"]["text"]) == ("comment.deleted", "Delete me")


def test_a_comment_is_found_under_its_own_task_alone(
    client: Client, task: Task, make_task: Callable[..., Task]
) -> None:
    admin, other = client.as_("admin"), make_task()
    comment = add_comment(admin, task)

    problem(admin.patch(f"tasks/{other.id}/comments/{comment['id']}", {"text": "Moved"}), "not_found")
    problem(admin.get(f"tasks/{other.id}/comments/{comment['id']}"), "not_found")


def test_the_comments_of_a_task_in_the_bin_are_not_there(client: Client, task: Task) -> None:
    admin = client.as_("admin")
    comment = add_comment(admin, task)
    admin.delete(f"tasks/{task.id}")

    problem(admin.get(f"tasks/{task.id}/comments"), "not_found")
    problem(admin.get(f"tasks/{task.id}/comments/{comment['id']}"), "not_found")
    problem(admin.delete(f"tasks/{task.id}/comments/{comment['id']}"), "not_found")


@pytest.mark.parametrize("text", ["", " \u200b ", "x" * 10_001, None, 7])
def test_a_text_that_cannot_be_is_named(client: Client, task: Task, text: Any) -> None:
    answer = client.as_("member").post(f"tasks/{task.id}/comments", {"text": text})

    assert [location for location, _ in mistakes(answer, "invalid")] == ["body.text"]
