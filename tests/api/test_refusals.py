"""Tests each rule over HTTP: it refuses the scene that `docs/rules.md` shows, and the refusal is complete."""

from __future__ import annotations

from typing import Any

import pytest

from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules.rule import FIX_ACTIONS
from taskmgr.domain.rules.rule_book import RULES
from tests.api.client import problem
from tests.docs.refusals import OF_PROJECTS, OF_TASKS, OF_USERS, PROBLEMS, Scene, Team, policy_of
from tests.factories import Clock

# With what a fix comes beside its action and its words.
ARGUMENTS: dict[str, set[str]] = {action: set() for action in FIX_ACTIONS} | {
    "change_status": {"status"},
    "resolve_blockers": {"task_ids", "task_keys"},
    "close_subtasks": {"task_ids", "task_keys"},
    "bin_subtasks": {"task_ids", "task_keys"},
    "finish_task": {"task_ids", "task_keys"},
    "lower_urgent": {"task_ids", "task_keys"},
    "reopen_parent": {"task_id", "task_key"},
    "restore_parent": {"task_id", "task_key"},
    "unarchive_project": {"project"},
}
OVERRIDABLE = {
    "blocked_by_unfinished_tasks",
    "open_subtasks",
    "wip_limit_reached",
    "reviewer_required",
    "urgent_limit_reached",
}


def test_every_code_has_a_scenario() -> None:
    assert [scene.__name__ for scene in OF_TASKS] == [rule.__name__ for rule in RULES]
    assert {scene.__name__ for scene in OF_PROJECTS} == {"default_project"}
    assert {scene.__name__ for scene in OF_USERS} == {"last_admin"}
    assert {scene.__name__ for scene in PROBLEMS} == {"not_permitted", "already_assigned", "stale"}


@pytest.mark.parametrize("scene", [*OF_TASKS, *OF_PROJECTS, *OF_USERS], ids=lambda scene: scene.__name__)
def test_a_rule_that_stands_is_one_whole_reason(scene: Scene, store: Store, clock: Clock) -> None:
    answer = scene(Team(store, clock, policy_of(scene)))

    body = problem(answer, "refused")
    (reason,) = body["reasons"]
    assert reason.keys() == {"code", "detail", "fix", "overridable"}
    assert (reason["code"], reason["overridable"]) == (scene.__name__, scene.__name__ in OVERRIDABLE)
    assert reason["detail"] == body["detail"]
    assert reason["detail"].endswith(".")
    if reason["fix"] is not None:
        assert_whole(reason["fix"])


def assert_whole(fix: dict[str, Any]) -> None:
    assert fix.keys() == {"action", "text", *ARGUMENTS[fix["action"]]}
    assert fix["text"].endswith(".")
    for name in ARGUMENTS[fix["action"]]:
        assert fix[name]


@pytest.mark.parametrize("scene", PROBLEMS, ids=lambda scene: scene.__name__)
def test_what_is_no_rule_is_a_problem_of_its_own(scene: Scene, store: Store, clock: Clock) -> None:
    answer = scene(Team(store, clock))

    problem(answer, scene.__name__)


@pytest.mark.parametrize(
    "scene", [*OF_TASKS, *OF_PROJECTS, *OF_USERS, *PROBLEMS], ids=lambda scene: scene.__name__
)
def test_what_is_refused_leaves_no_trace_in_the_log(scene: Scene, store: Store, clock: Clock) -> None:
    team = Team(store, clock, policy_of(scene))
    answer = scene(team)

    assert answer.status_code >= 400
    log = team.by("admin").get("activity", limit="200").json["items"]
    clients = {team.by(role).user.id for role in ("viewer", "member", "manager", "admin")}
    assert [entry for entry in log if entry["by"] in clients] == []
