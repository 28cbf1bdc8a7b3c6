"""Tests which fields of a body accept null."""

from __future__ import annotations

import pytest

from tests.api.client import Client, mistakes
from tests.api.operations import World


def test_a_new_task_takes_null_for_whatever_may_be_left_out(client: Client) -> None:
    member = client.as_("member")
    optional = (
        "project", "description", "status", "priority", "due_date", "assignee_id", "labels", "parent_id",
        "blocked_by", "reason", "override",
    )  # fmt: skip

    given = member.post("tasks", {"title": "x"} | dict.fromkeys(optional))
    left_out = member.post("tasks", {"title": "x"})

    assert given.status_code == 201, given.text
    own = dict.fromkeys(("id", "key", "rank"))
    assert given.json | own == left_out.json | own


@pytest.mark.parametrize("field", ["title", "status", "priority", "project"])
def test_a_patch_takes_null_only_for_what_can_be_empty(field: str, client: Client, world: World) -> None:
    answer = client.as_("admin").patch(f"tasks/{world['task']}", {field: None})

    assert mistakes(answer, "invalid") == [(f"body.{field}", "null")]


@pytest.mark.parametrize("field", ["title", "status", "priority", "project"])
def test_an_operation_of_a_bulk_takes_null_where_a_patch_does(
    field: str, client: Client, world: World
) -> None:
    operations = [{"op": "change", "id": world["task"], field: None}]

    answer = client.as_("admin").post("tasks/bulk", {"operations": operations})

    (result,) = answer.json["results"]
    assert [(e["location"], e["code"]) for e in result["problem"]["errors"]] == [(f"body.{field}", "null")]


def test_null_empties_what_can_be_empty(client: Client, world: World) -> None:
    admin = client.as_("admin")
    path = f"tasks/{world['task']}"
    empty = {
        "description": "", "due_date": None, "assignee_id": None, "labels": [], "parent_id": None,
        "blocked_by": [],
    }  # fmt: skip
    filled = {
        "description": "Why", "due_date": "2026-12-01", "assignee_id": world["other_user"],
        "labels": ["a"], "parent_id": world["other"], "blocked_by": [world["blocker"]],
    }  # fmt: skip
    assert admin.patch(path, filled).json.items() >= filled.items()

    emptied = admin.patch(path, dict.fromkeys(empty))

    assert emptied.status_code == 200, emptied.text
    assert emptied.json.items() >= empty.items()
    assert admin.patch(path, dict.fromkeys(empty)).json["version"] == emptied.json["version"]
