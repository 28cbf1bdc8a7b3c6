"""Whatever a rule reads beyond the task itself is touched, so that of two commands that meet one waits.

`tests/concurrency` shows what comes of it; here each touch is seen by itself, since not every one
that is forgotten makes a difference there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Role
from taskmgr.domain.services import Services
from tests.answers import log_of
from tests.factories import SYSTEM

DUE = "2026-12-01"
ADMINS = "admins"


@dataclass(frozen=True)
class Team:
    """`ids` has what the cases make, by the names that they give."""

    services: Services
    ids: dict[str, str]

    def task(self, name: str = "", **given: Any) -> str:
        task = self.services.tasks.create(by=SYSTEM, **{"title": "Write", **given})
        self.ids[name or task.id] = task.id
        return task.id

    def started(self, name: str = "", **given: Any) -> str:
        return self.task(name, status="in_progress", assignee_id=self.ids["ada"], **given)

    def completed(self, name: str) -> str:
        return self.move(self.started(name), "completed").id

    def binned(self, **given: Any) -> str:
        return self.services.tasks.bin(self.task(**given), by=SYSTEM).id

    def move(self, task_id: str, status: str) -> Task:
        return self.services.tasks.change_status(task_id, status=status, reason="Why", by=SYSTEM)

    def change(self, task_id: str, **changes: Any) -> Task:
        return self.services.tasks.change(task_id, changes, reason="Why", by=SYSTEM)

    def restore(self, task_id: str) -> Task:
        return self.services.tasks.restore(task_id, by=SYSTEM)


Command = Callable[[], object]
CASES: dict[Callable[[Team], Command], set[str]] = {}


def touching(*names: str) -> Callable[[Callable[[Team], Command]], Callable[[Team], Command]]:
    """What the command that the case answers touches."""

    def register(case: Callable[[Team], Command]) -> Callable[[Team], Command]:
        CASES[case] = set(names)
        return case

    return register


@touching("ada")
def starting_somebodys_task(team: Team) -> Command:
    task = team.task(assignee_id=team.ids["ada"])
    return lambda: team.move(task, "in_progress")


@touching("ada", "first", "second")
def starting_what_waited(team: Team) -> Command:
    blockers = [team.completed("first"), team.completed("second")]
    task = team.task(assignee_id=team.ids["ada"], blocked_by=blockers)
    return lambda: team.move(task, "in_progress")


@touching("blocker")
def completing_what_waited(team: Team) -> Command:
    task = team.started()
    team.change(task, blocked_by=[team.completed("blocker")])
    return lambda: team.move(task, "completed")


@touching("ada")
def assigning(team: Team) -> Command:
    task = team.task()
    return lambda: team.change(task, assignee_id=team.ids["ada"])


@touching("ada")
def raising_somebodys_task_to_urgent(team: Team) -> Command:
    task = team.task(assignee_id=team.ids["ada"], due_date=DUE)
    return lambda: team.change(task, priority="urgent")


@touching("ada")
def reopening_somebodys_urgent_task(team: Team) -> Command:
    task = team.task(assignee_id=team.ids["ada"], due_date=DUE, priority="urgent")
    team.move(task, "cancelled")
    return lambda: team.move(task, "todo")


@touching("ada")
def restoring_somebodys_urgent_task(team: Team) -> Command:
    task = team.binned(assignee_id=team.ids["ada"], due_date=DUE, priority="urgent")
    return lambda: team.restore(task)


@touching("parent")
def adding_a_subtask(team: Team) -> Command:
    parent = team.task("parent")
    return lambda: team.task(parent_id=parent)


@touching("parent")
def giving_another_parent(team: Team) -> Command:
    subtask, parent = team.task(parent_id=team.task("old")), team.task("parent")
    return lambda: team.change(subtask, parent_id=parent)


@touching("parent")
def reopening_a_subtask(team: Team) -> Command:
    subtask = team.task(parent_id=team.task("parent"))
    team.move(subtask, "cancelled")
    return lambda: team.move(subtask, "todo")


@touching("parent")
def restoring_a_subtask(team: Team) -> Command:
    subtask = team.binned(parent_id=team.task("parent"))
    return lambda: team.restore(subtask)


@touching("blocker")
def adding_a_blocker(team: Team) -> Command:
    task, blocker = team.task(), team.task("blocker")
    return lambda: team.services.tasks.block(task, blocker, by=SYSTEM)


@touching("blocker")
def restoring_what_waits(team: Team) -> Command:
    task = team.binned(blocked_by=[team.task("blocker")])
    return lambda: team.restore(task)


@touching("blocker", "waiting", "waiting for that")
def adding_a_blocker_to_what_others_wait_for(team: Team) -> Command:
    """What waits for the task ends sooner than what it would wait for."""
    task = team.task()
    team.task("waiting for that", blocked_by=[team.task("waiting", blocked_by=[task])])
    blocker = team.task("blocker", blocked_by=[team.task(blocked_by=[team.task(blocked_by=[team.task()])])])
    return lambda: team.services.tasks.block(task, blocker, by=SYSTEM)


@touching("blocker", "its blocker", "its subtask")
def adding_a_blocker_that_waits_for_little(team: Team) -> Command:
    """What the task would wait for ends sooner than what waits for it."""
    task = team.task()
    for _ in range(3):
        team.task(blocked_by=[team.task(blocked_by=[team.task(blocked_by=[task])])])
    blocker = team.task("blocker", blocked_by=[team.task("its blocker")])
    team.task("its subtask", parent_id=blocker)
    return lambda: team.services.tasks.block(task, blocker, by=SYSTEM)


@touching("root", "middle", "parent")
def adding_a_subtask_deep_down(team: Team) -> Command:
    root = team.task("root")
    parent = team.task("parent", parent_id=team.task("middle", parent_id=root))
    return lambda: team.task(parent_id=parent)


@touching()
def creating_what_waits(team: Team) -> Command:
    """Nobody can wait for a task that nobody has seen."""
    blocker = team.task()
    return lambda: team.task(blocked_by=[blocker])


@touching(ADMINS)
def demoting_an_admin(team: Team) -> Command:
    return lambda: team.services.users.change(team.ids["root"], {"role": "member"}, by=SYSTEM)


@touching(ADMINS)
def deactivating_an_admin(team: Team) -> Command:
    return lambda: team.services.users.change(team.ids["root"], {"active": False}, by=SYSTEM)


@touching()
def changing_what_no_rule_asks_for(team: Team) -> Command:
    parent = team.task()
    task = team.started(parent_id=parent, priority="high")
    return lambda: team.change(task, title="Read", labels=["a"], due_date=DUE)


@touching()
def unblocking(team: Team) -> Command:
    blocker = team.task()
    task = team.task(blocked_by=[blocker])
    return lambda: team.services.tasks.unblock(task, blocker, by=SYSTEM)


@pytest.fixture
def team(services: Services) -> Team:
    ada = services.users.create(by=SYSTEM, username="ada", name="Ada").id
    for name in ("root", "another"):
        root = services.users.create(by=SYSTEM, username=name, name=name, role=Role.ADMIN).id
    return Team(services, {"ada": ada, "root": root})


def touches(database: Database[Any], team: Team) -> dict[str, int]:
    """How often each thing was touched, by the name that the case gave it, or by its id."""
    names = {task_id: name for name, task_id in team.ids.items()}
    rows = [row for name in ("users", "tasks", "locks") for row in database[name].find()]
    return {names.get(str(row["_id"]), str(row["_id"])): row.get("touched", 0) for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_command_touches_what_its_rules_read_and_nothing_else(
    case: Callable[[Team], Command], team: Team, database: Database[Any]
) -> None:
    command = case(team)
    before = touches(database, team)

    command()

    after = touches(database, team)
    assert {name for name, count in after.items() if count != before.get(name, 0)} == CASES[case]


def test_a_touch_changes_neither_version_nor_moment_nor_log(
    team: Team, services: Services, database: Database[Any]
) -> None:
    start = starting_what_waited(team)
    touched = [("users", team.ids["ada"]), *(("tasks", team.ids[name]) for name in ("first", "second"))]

    def state() -> list[Any]:
        rows = [database[place].find_one({"_id": ObjectId(key)}) for place, key in touched]
        return [{**row, "touched": None} for row in rows if row] + [log_of(services, k) for _, k in touched]

    before = state()
    start()
    assert state() == before
