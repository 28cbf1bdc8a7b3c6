"""Tests that a request sent again with the same key gets the first response."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes, problem
from tests.factories import Clock

KEY = {"Idempotency-Key": "order 66"}


def total(client: Client) -> int:
    return int(client.get("tasks", total="true", limit="1").json["total"])


def test_a_retry_with_the_same_key_gets_the_first_answer_again(client: Client) -> None:
    member = client.as_("member")

    first = member.post("tasks", {"title": "Once", "labels": ["a"]}, headers=KEY)
    again = member.post("tasks", {"labels": ["a"], "title": "Once"}, headers=KEY)

    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    for name in ("Location", "ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert total(member) == 1


def test_the_key_of_one_caller_means_nothing_for_another(client: Client) -> None:
    first = client.as_("member").post("tasks", {"title": "Mine"}, headers=KEY)
    other = client.as_("manager").post("tasks", {"title": "Mine"}, headers=KEY)

    assert other.json["id"] != first.json["id"]


@pytest.mark.parametrize(("path", "body"), [("tasks", {"title": "Other"}), ("tasks/bulk", {"title": "Once"})])
def test_another_request_with_the_same_key_is_a_mismatch(client: Client, path: str, body: Any) -> None:
    member = client.as_("member")
    member.post("tasks", {"title": "Once"}, headers=KEY)

    if path == "tasks/bulk":
        body = {"operations": [{"op": "create", **body}]}
    problem(member.post(path, body, headers=KEY), "idempotency_mismatch")


def test_a_refused_request_keeps_nothing(client: Client, nothing_changes: Callable[[], Any]) -> None:
    member = client.as_("member")

    with nothing_changes():
        problem(member.post("tasks", {"title": "T", "status": "completed"}, headers=KEY), "refused")
        problem(member.post("tasks", {"title": ""}, headers=KEY), "invalid")

    assert member.post("tasks", {"title": "Another"}, headers=KEY).status_code == 201


def test_a_dry_run_ignores_the_key(client: Client, nothing_changes: Callable[[], Any]) -> None:
    member = client.as_("member")

    with nothing_changes():
        answer = member.post("tasks?dry_run=true", {"title": "Dry"}, headers=KEY)

    assert answer.status_code == 201
    assert member.post("tasks", {"title": "Wet"}, headers=KEY).headers.get("Idempotent-Replayed") is None


def test_after_a_day_the_key_is_new_again(client: Client, clock: Clock) -> None:
    member = client.as_("member")
    first = member.post("tasks", {"title": "Daily"}, headers=KEY).json["id"]

    clock.now += timedelta(hours=23)
    assert member.post("tasks", {"title": "Daily"}, headers=KEY).json["id"] == first
    clock.now += timedelta(hours=2)
    assert member.post("tasks", {"title": "Daily"}, headers=KEY).json["id"] != first


def test_comments_and_bulk_accept_keys_too(client: Client, make_task: Callable[..., Task]) -> None:
    member, task = client.as_("member"), make_task()
    for path, body in (
        (f"tasks/{task.id}/comments", {"text": "Once"}),
        ("tasks/bulk", {"operations": [{"op": "create", "title": "Once"}]}),
    ):
        key = {"Idempotency-Key": path}
        assert member.post(path, body, headers=key).data == member.post(path, body, headers=key).data

    assert len(member.get(f"tasks/{task.id}/comments").json["items"]) == 1


def test_a_bulk_in_mode_each_keeps_the_outcome_of_every_operation(client: Client) -> None:
    member = client.as_("member")
    operations = [{"op": "create", "title": "Good"}, {"op": "create", "title": ""}]
    body = {"mode": "each", "operations": operations}

    first = member.post("tasks/bulk", body, headers=KEY)

    assert member.post("tasks/bulk", body, headers=KEY).data == first.data
    assert total(member) == 1


def test_twenty_parallel_requests_with_one_key_make_one_task(client: Client, services: Services) -> None:
    member = client.as_("member")
    with ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(member.post, "tasks", {"title": "Once"}, headers=KEY) for _ in range(20)]
        answers = [future.result() for future in sent]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 19
    assert total(member) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ümlaut"])
def test_a_key_that_is_not_printable_or_too_long_is_malformed(client: Client, key: str) -> None:
    answer = client.as_("member").post("tasks", {"title": "T"}, headers={"Idempotency-Key": key})

    assert mistakes(answer, "malformed") == [("header.Idempotency-Key", "malformed")]
