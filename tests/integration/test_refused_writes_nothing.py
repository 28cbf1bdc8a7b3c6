"""What is refused or only tried writes nothing that others would meet, not even a touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.errors import NotPermitted
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]
MakeUser = Callable[..., User]
Operation = dict[str, Any]
PATIENCE = 8.0  # less than a command tries for when it meets another


class Scene:
    """A database with one user and what a refused operation needs."""

    def __init__(self, services: Services, make_task: MakeTask, ada: User) -> None:
        self.services, self.task, self.ada = services, make_task, ada

    def started(self, **given: Any) -> Task:
        return self.task(assignee_id=self.ada.id, status="in_progress", **given)


def too_many_started(scene: Scene) -> Operation:
    for _ in range(DEFAULT_POLICY.wip_limit):
        scene.started()
    task = scene.task(assignee_id=scene.ada.id)
    return {"op": "status", "id": task.id, "status": "in_progress"}


def an_inactive_assignee(scene: Scene) -> Operation:
    scene.services.users.change(scene.ada.id, {"active": False}, by=SYSTEM)
    return {"op": "assign", "id": scene.task().id, "assignee_id": scene.ada.id}


def unfinished_blockers(scene: Scene) -> Operation:
    task = scene.task(assignee_id=scene.ada.id, blocked_by=[scene.task().id, scene.task().id])
    return {"op": "status", "id": task.id, "status": "in_progress"}


def a_closed_parent(scene: Scene) -> Operation:
    parent = scene.task(status="cancelled", reason="Why")
    return {"op": "create", "title": "Write", "parent_id": parent.id}


def a_ring(scene: Scene) -> Operation:
    first = scene.task()
    return {"op": "block", "id": first.id, "blocker_id": scene.task(blocked_by=[first.id]).id}


def a_new_task_for_somebody_inactive(scene: Scene) -> Operation:
    scene.services.users.change(scene.ada.id, {"active": False}, by=SYSTEM)
    return {"op": "create", "title": "Write", "assignee_id": scene.ada.id}


def touches(database: Database[Any]) -> dict[str, int]:
    rows = [row for name in ("users", "tasks", "locks") for row in database[name].find()]
    return {str(row["_id"]): row["touched"] for row in rows if row.get("touched")}


@pytest.fixture
def scene(services: Services, make_task: MakeTask, ada: User) -> Scene:
    return Scene(services, make_task, ada)


@pytest.mark.parametrize(
    "made",
    [too_many_started, an_inactive_assignee, unfinished_blockers, a_closed_parent, a_ring,
     a_new_task_for_somebody_inactive],
)  # fmt: skip
def test_a_refused_operation_of_a_bulk_that_goes_on_touches_nothing(
    made: Callable[[Scene], Operation], scene: Scene, database: Database[Any]
) -> None:
    operations = [made(scene), {"op": "create", "title": "Kept"}]
    before = touches(database)

    found = scene.services.bulk.run(operations, by=SYSTEM, atomic=False)

    assert [result.error is None for result in found.results] == [False, True]
    assert touches(database) == before


def test_a_bulk_of_assignments_that_a_viewer_may_not_make_touches_nobody(
    services: Services, make_task: MakeTask, ada: User, viewer: Actor, database: Database[Any]
) -> None:
    task = make_task()
    before = touches(database)
    assign = {"op": "assign", "id": task.id, "assignee_id": ada.id}
    create = {"op": "create", "title": "Write", "assignee_id": ada.id}

    found = services.bulk.run([assign, create], by=viewer, atomic=False)

    assert [type(result.error) for result in found.results] == [NotPermitted, NotPermitted]
    assert touches(database) == before


@pytest.fixture
def outside() -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Performs something outside the test's own transaction, and fails where that has to wait."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda perform: pool.submit(perform).result(PATIENCE)


def test_a_command_that_is_not_permitted_holds_up_nobody(
    services: Services,
    store: Store,
    make_task: MakeTask,
    ada: User,
    viewer: Actor,
    outside: Callable[[Callable[[], Any]], Any],
) -> None:
    tasks = [make_task().id, make_task().id]

    def command() -> Task:
        with pytest.raises(NotPermitted):
            services.tasks.assign(tasks[0], assignee_id=ada.id, by=viewer)
        found: Task = outside(lambda: services.tasks.assign(tasks[1], assignee_id=ada.id, by=SYSTEM))
        return found

    assert store.unit_of_work.run(command).assignee_id == ada.id


def test_a_dry_run_holds_up_nobody_who_adds_relations_or_assigns(
    services: Services,
    store: Store,
    make_task: MakeTask,
    ada: User,
    outside: Callable[[Callable[[], Any]], Any],
) -> None:
    one, two, three = (make_task().id for _ in range(3))

    def command() -> Task:
        services.tasks.block(one, two, by=SYSTEM, dry_run=True)
        services.tasks.assign(one, assignee_id=ada.id, by=SYSTEM, dry_run=True)
        found: Task = outside(
            lambda: services.tasks.change(three, {"blocked_by": [two], "assignee_id": ada.id}, by=SYSTEM)
        )
        return found

    assert store.unit_of_work.run(command, dry_run=True).blocked_by == (two,)
