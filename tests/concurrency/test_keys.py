"""Tests that concurrent creates and moves never give a key to two tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.concurrency.conftest import AtOnce
from tests.concurrency.crowd import CROWD, Outcome, call, create_once
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]


def keys_of(outcomes: Iterable[Outcome]) -> list[str]:
    return [outcome.answer.key for outcome in outcomes]


def numbered(project: str, numbers: Iterable[int]) -> set[str]:
    return {f"{project}-{number}" for number in numbers}


def test_the_keys_of_32_creates_at_once_have_no_gap(at_once: AtOnce) -> None:
    for turn in range(3):
        outcomes = at_once(call("tasks.create", title="Write", by=SYSTEM) for _ in range(CROWD))
        assert set(keys_of(outcomes)) == numbered("TASK", range(1 + turn * CROWD, 1 + (turn + 1) * CROWD))


def test_creates_that_conflict_keep_their_keys(at_once: AtOnce, make_task: MakeTask) -> None:
    """All touch the parent, so all but one run again, some of them many times."""
    parent = make_task()
    creates = [call("tasks.create", title="Write", parent_id=parent.id, by=SYSTEM) for _ in range(CROWD // 2)]
    assert set(keys_of(at_once(creates))) == numbered("TASK", range(2, 2 + CROWD // 2))


def test_refused_creates_take_no_key_from_the_others(at_once: AtOnce, database: Database[Any]) -> None:
    """A refused create returns its number unless another has been taken, so there may be gaps."""
    outcomes = at_once(
        call("tasks.create", title="Write", status=status, by=SYSTEM)
        for status in ("todo", "in_progress") * (CROWD // 2)
    )
    assert Counter(o.summary for o in outcomes) == {"ok": CROWD // 2, "assignee_required": CROWD // 2}
    given = keys_of(outcome for outcome in outcomes if outcome.succeeded)
    assert len(set(given)) == CROWD // 2
    assert set(given) <= numbered("TASK", range(1, CROWD + 1))
    assert set(database["tasks"].distinct("key")) == set(given)


def test_bulks_creates_and_moves_at_once_give_no_key_twice(
    at_once: AtOnce, make_task: MakeTask, services: Services, database: Database[Any]
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    moved = [make_task() for _ in range(CROWD // 4)]
    outcomes = at_once(
        each
        for task in moved
        for each in (
            call("tasks.change", task.id, {"project": "OPS"}, by=SYSTEM),
            call("tasks.create", title="Write", project="OPS", by=SYSTEM),
            call("tasks.create", title="Write", by=SYSTEM),
            call(
                "bulk.run", [{"op": "create", "title": "a", "project": p} for p in ("OPS", "TASK")], by=SYSTEM
            ),
        )
    )
    assert {outcome.summary for outcome in outcomes} == {"ok"}
    keys = Counter(key for row in database["tasks"].find() for key in row["keys"])
    assert set(keys.values()) == {1}
    assert set(keys) == numbered("OPS", range(1, 25)) | numbered("TASK", range(1, 25))
    for task in moved:
        assert services.tasks.get(str(task.key), by=SYSTEM).id == task.id


def test_a_task_that_many_move_between_projects_keeps_all_its_keys(
    at_once: AtOnce, make_task: MakeTask, services: Services
) -> None:
    for key in ("OPS", "WEB"):
        services.projects.create(key=key, name=key, by=SYSTEM)
    task = make_task()
    outcomes = at_once(
        call("tasks.change", task.id, {"project": project}, by=SYSTEM)
        for project in ("OPS", "WEB", "TASK") * (CROWD // 6)
    )
    assert {outcome.summary for outcome in outcomes} == {"ok"}
    moved = services.tasks.get(task.id, by=SYSTEM)
    for key in ("TASK-1", str(moved.key), *moved.former_keys):
        assert services.tasks.get(key, by=SYSTEM).id == task.id
    # A change to the project that it is in already takes no key.
    assert len({str(moved.key), *moved.former_keys}) == moved.version


def test_retries_with_one_idempotency_key_make_one_task_with_one_key(
    at_once: AtOnce, services: Services, database: Database[Any]
) -> None:
    outcomes = at_once(call(create_once, "a key", title="Once", by=SYSTEM) for _ in range(CROWD // 2))
    assert {outcome.summary for outcome in outcomes} == {"ok"}
    assert len(database["tasks"].distinct("key")) == 1
    later = services.tasks.create(title="Later", by=SYSTEM)
    assert later.number is not None
    assert later.number > database["tasks"].find_one({"title": "Once"})["number"]  # type: ignore[index]


def test_there_is_one_default_project_whoever_chooses_one_at_once(
    at_once: AtOnce, services: Services, database: Database[Any]
) -> None:
    ensure_default_project(database)
    projects = [services.projects.create(key=f"P{n}", name=f"{n}", by=SYSTEM) for n in range(CROWD // 4)]
    outcomes = at_once(
        each
        for project in projects
        for each in (
            call("projects.change", project.key, {"is_default": True}, by=SYSTEM),
            call("projects.change", project.key, {"archived": True}, by=SYSTEM),
        )
    )
    assert {outcome.summary for outcome in outcomes} <= {"ok", "default_project"}
    (default,) = database["projects"].find({"is_default": True})
    assert default["archived_at"] is None


def test_of_32_projects_with_one_key_one_is_created(at_once: AtOnce) -> None:
    outcomes = at_once(call("projects.create", key="OPS", name="Operations", by=SYSTEM) for _ in range(CROWD))
    assert Counter(o.summary for o in outcomes) == {"ok": 1, "ProjectKeyTaken": CROWD - 1}
