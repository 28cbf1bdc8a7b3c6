"""Tests the list of labels with their counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from tests.api.client import Client, mistakes
from tests.factories import SYSTEM


@pytest.fixture
def viewer(client: Client, make_task: Callable[..., Task], services: Services) -> Client:
    for given in (
        {"labels": ["ui", "Café"]},
        {"labels": ["ui", "cable"], "status": "cancelled", "reason": "No."},
        {"labels": ["ui"], "status": "backlog"},
        {"labels": []},
    ):
        make_task(**given)
    for _ in range(2):
        services.tasks.bin(make_task(labels=["binned", "ui"]).id, by=SYSTEM)
    return client.as_("viewer")


def counted(page: Any) -> list[tuple[str, int, int]]:
    assert page.status_code == 200, page.text
    return [(row["label"], row["open"], row["tasks"]) for row in page.json["items"]]


def test_labels_come_by_name_with_the_tasks_outside_the_bin(viewer: Client) -> None:
    page = viewer.get("labels", total="true")

    assert counted(page) == [("cable", 0, 1), ("café", 1, 1), ("ui", 2, 3)]
    assert (page.json["next"], page.json["total"]) == (None, 3)


@pytest.mark.parametrize(
    ("prefix", "found"), [("ca", ["cable", "café"]), ("CAFE", ["café"]), ("x", []), ("bin", [])]
)
def test_a_prefix_lets_through_what_begins_with_it(prefix: str, found: list[str], viewer: Client) -> None:
    page = viewer.get("labels", prefix=prefix, total="true")

    assert [label for label, _, _ in counted(page)] == found
    assert page.json["total"] == len(found)


def test_labels_are_walked_page_by_page_under_one_prefix(viewer: Client) -> None:
    first = viewer.get("labels", limit="1").json
    second = viewer.get("labels", limit="1", cursor=first["next"]).json
    third = viewer.get("labels", limit="1", cursor=second["next"]).json

    walked = [page["items"][0]["label"] for page in (first, second, third)]
    assert walked == ["cable", "café", "ui"]
    assert third["next"] is None
    other = viewer.get("labels", prefix="c", cursor=first["next"])
    assert mistakes(other, "malformed") == [("query.cursor", "bad_cursor")]


def test_they_have_an_etag(viewer: Client, make_task: Callable[..., Task]) -> None:
    tag = viewer.get("labels").headers["ETag"]
    assert viewer.get("labels", headers={"If-None-Match": tag}).status_code == 304
    make_task()
    assert viewer.get("labels", headers={"If-None-Match": tag}).status_code == 304
    make_task(labels=["ui"])
    assert viewer.get("labels", headers={"If-None-Match": tag}).status_code == 200


def test_a_prefix_longer_than_a_label_is_named(viewer: Client) -> None:
    assert mistakes(viewer.get("labels", prefix="x" * 41), "malformed") == [("query.prefix", "too_long")]
