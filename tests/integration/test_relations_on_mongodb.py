"""Parents, subtasks and rings over stored tasks: what is found is what the database has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskmgr.domain.model.policy import DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from tests.answers import naming, refusals, refused
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]
MakeUser = Callable[..., User]
ServicesUnder = Callable[[Policy], Services]
STATUSES = DEFAULT_WORKFLOW.statuses
Move = Callable[..., Task]
InStatus = Callable[..., Task]


# --- parents and subtasks


def test_a_parent_is_completed_after_its_subtasks(
    make_task: MakeTask, in_status: InStatus, move: Move
) -> None:
    parent = in_status("in_progress")
    one, two = make_task(parent_id=parent.id), make_task(parent_id=parent.id)
    move(one, "cancelled", reason="Not needed.")
    (refusal,) = refusals(lambda: move(parent, "completed"))
    assert refusal.fix is not None
    assert refusal.fix.arguments == naming(two)
    move(two, "cancelled", reason="Not needed.")
    assert move(parent, "completed").status == "completed"


def test_subtasks_in_the_bin_do_not_hold_their_parent_up(
    services: Services, make_task: MakeTask, in_status: InStatus, move: Move
) -> None:
    parent = in_status("in_progress")
    subtask = make_task(parent_id=parent.id)
    services.tasks.bin(subtask.id, by=SYSTEM)
    assert move(parent, "completed").status == "completed"


def test_many_open_subtasks_are_told_by_the_first_twenty(
    make_task: MakeTask, in_status: InStatus, move: Move, store: Any
) -> None:
    parent = in_status("in_progress")
    subtasks = store.unit_of_work.run(lambda: [make_task(parent_id=parent.id) for _ in range(25)])
    (refusal,) = refusals(lambda: move(parent, "completed"))
    assert refusal.fix is not None
    assert refusal.fix.arguments == naming(*subtasks[:20])


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_nothing_open_comes_under_a_closed_parent(
    services: Services, make_task: MakeTask, in_status: InStatus, move: Move, status: str
) -> None:
    parent = in_status("in_progress")
    closed, binned = make_task(parent_id=parent.id), make_task(parent_id=parent.id)
    move(closed, "cancelled", reason="No.")
    services.tasks.bin(binned.id, by=SYSTEM)
    move(parent, status, reason="Done with it.")
    elsewhere = make_task()
    calls: list[Callable[[], object]] = [
        lambda: make_task(parent_id=parent.id),
        lambda: services.tasks.change(elsewhere.id, {"parent_id": parent.id}, by=SYSTEM),
        lambda: move(closed, "todo", reason="Yes."),
        lambda: services.tasks.restore(binned.id, by=SYSTEM),
    ]
    for call in calls:
        (refusal,) = refusals(call)
        assert (refusal.code, refusal.fix and refusal.fix.arguments) == (
            "parent_closed",
            {"task_id": parent.id, "task_key": parent.key},
        )


def test_a_closed_task_may_come_under_a_closed_parent(services: Services, in_status: InStatus) -> None:
    parent, closed = in_status("completed"), in_status("cancelled")
    after = services.tasks.change(closed.id, {"parent_id": parent.id}, by=SYSTEM)
    assert after.parent_id == parent.id


def test_a_subtask_left_open_under_a_cancelled_parent_can_be_closed_and_edited(
    services: Services, make_task: MakeTask, in_status: InStatus, move: Move
) -> None:
    parent = in_status("todo")
    subtask = make_task(parent_id=parent.id)
    move(parent, "cancelled", reason="No.")
    assert services.tasks.change(subtask.id, {"title": "Other"}, by=SYSTEM).title == "Other"
    assert refused(lambda: move(subtask, "backlog")) == ["parent_closed"]
    assert move(subtask, "cancelled", reason="No.").status == "cancelled"


def test_a_parent_with_subtasks_does_not_go_into_the_bin(
    services: Services, make_task: MakeTask, in_status: InStatus
) -> None:
    parent = make_task()
    subtask = in_status("completed", parent_id=parent.id)
    (refusal,) = refusals(lambda: services.tasks.bin(parent.id, by=SYSTEM))
    assert (refusal.code, refusal.fix and refusal.fix.arguments) == (
        "has_subtasks",
        naming(subtask),
    )
    services.tasks.bin(subtask.id, by=SYSTEM)
    assert services.tasks.bin(parent.id, by=SYSTEM).is_binned


def test_a_subtask_is_restored_after_its_parent(services: Services, make_task: MakeTask) -> None:
    parent = make_task()
    subtask = make_task(parent_id=parent.id)
    services.tasks.bin(subtask.id, by=SYSTEM)
    services.tasks.bin(parent.id, by=SYSTEM)
    (refusal,) = refusals(lambda: services.tasks.restore(subtask.id, by=SYSTEM))
    assert (refusal.code, refusal.fix and refusal.fix.action) == ("parent_closed", "restore_parent")
    services.tasks.restore(parent.id, by=SYSTEM)
    assert services.tasks.restore(subtask.id, by=SYSTEM).parent_id == parent.id


# --- relations


def test_a_task_does_not_wait_for_itself(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    (refusal,) = refusals(lambda: services.tasks.block(task.id, task.id, by=SYSTEM))
    assert refusal.code == "cycle"
    assert refusal.detail == f"A task cannot wait for itself: {task.name} waits for {task.name}."
    assert refused(lambda: services.tasks.change(task.id, {"parent_id": task.id}, by=SYSTEM)) == ["cycle"]


def test_two_tasks_do_not_wait_for_each_other(services: Services, make_task: MakeTask) -> None:
    one = make_task()
    two = make_task(blocked_by=[one.id])
    (refusal,) = refusals(lambda: services.tasks.block(one.id, two.id, by=SYSTEM))
    assert refusal.detail == (
        f"A task cannot wait for itself: {one.name} waits for {two.name} waits for {one.name}."
    )


def test_a_subtask_does_not_wait_for_its_parent(services: Services, make_task: MakeTask) -> None:
    parent = make_task()
    subtask = make_task(parent_id=parent.id)
    assert refused(lambda: services.tasks.block(subtask.id, parent.id, by=SYSTEM)) == ["cycle"]
    assert refused(lambda: make_task(parent_id=parent.id, blocked_by=[parent.id])) == ["cycle"]


def test_a_parent_may_wait_for_its_subtask_in_so_many_words(services: Services, make_task: MakeTask) -> None:
    parent = make_task()
    subtask = make_task(parent_id=parent.id)
    assert services.tasks.block(parent.id, subtask.id, by=SYSTEM).blocked_by == (subtask.id,)


def test_a_task_does_not_come_under_its_own_subtask(services: Services, make_task: MakeTask) -> None:
    one = make_task()
    two = make_task(parent_id=one.id)
    three = make_task(parent_id=two.id)
    assert refused(lambda: services.tasks.change(one.id, {"parent_id": three.id}, by=SYSTEM)) == ["cycle"]


def test_a_ring_of_four_over_parents_and_blockers_is_not_closed(
    services: Services, make_task: MakeTask
) -> None:
    """one waits for two (a blocker), two for three (its subtask), three for four, four for one."""
    one, two, four = make_task(), make_task(), make_task()
    three = make_task(parent_id=two.id, blocked_by=[four.id])
    services.tasks.block(one.id, two.id, by=SYSTEM)
    (refusal,) = refusals(lambda: services.tasks.block(four.id, one.id, by=SYSTEM))
    ring = " waits for ".join(str(task.name) for task in (four, one, two, three, four))
    assert refusal.detail == f"A task cannot wait for itself: {ring}."
    assert refused(lambda: services.tasks.change(one.id, {"parent_id": four.id}, by=SYSTEM)) == ["cycle"]


def test_a_task_may_be_moved_out_of_the_way_of_a_ring(services: Services, make_task: MakeTask) -> None:
    parent, other = make_task(), make_task()
    subtask = make_task(parent_id=parent.id)
    changes = {"parent_id": other.id, "blocked_by": [parent.id]}
    assert services.tasks.change(subtask.id, changes, by=SYSTEM).blocked_by == (parent.id,)


def test_two_ways_to_one_task_are_no_ring(services: Services, make_task: MakeTask) -> None:
    end = make_task()
    left, right = make_task(blocked_by=[end.id]), make_task(blocked_by=[end.id])
    assert make_task(blocked_by=[left.id, right.id]).version == 1


def test_a_ring_over_a_task_in_the_bin_is_found_when_it_is_restored(
    services: Services, make_task: MakeTask
) -> None:
    one = make_task()
    binned = make_task(blocked_by=[one.id])
    two = make_task(blocked_by=[binned.id])
    services.tasks.bin(binned.id, by=SYSTEM)
    services.tasks.block(one.id, two.id, by=SYSTEM)
    assert refused(lambda: services.tasks.restore(binned.id, by=SYSTEM)) == ["cycle"]
    services.tasks.unblock(one.id, two.id, by=SYSTEM)
    assert services.tasks.restore(binned.id, by=SYSTEM).blocked_by == (one.id,)


@pytest.fixture
def chain(make_task: MakeTask) -> list[Task]:
    """A task with five levels of subtasks, one below the other."""
    tasks = [make_task()]
    for _ in range(5):
        tasks.append(make_task(parent_id=tasks[-1].id))
    return tasks


def test_there_are_five_levels_of_subtasks_at_most(make_task: MakeTask, chain: list[Task]) -> None:
    assert refused(lambda: make_task(parent_id=chain[-1].id)) == ["too_deep"]


def test_levels_count_above_and_below(services: Services, make_task: MakeTask, chain: list[Task]) -> None:
    top = make_task()
    middle = make_task()
    make_task(parent_id=middle.id)
    call = lambda parent: services.tasks.change(middle.id, {"parent_id": parent.id}, by=SYSTEM)  # noqa: E731
    assert refused(lambda: call(chain[4])) == ["too_deep"]
    assert call(chain[3]).parent_id == chain[3].id
    assert refused(lambda: services.tasks.change(chain[0].id, {"parent_id": top.id}, by=SYSTEM)) == [
        "too_deep"
    ]


def test_levels_are_judged_again_when_a_task_is_restored(
    services: Services, make_task: MakeTask, chain: list[Task]
) -> None:
    parent = make_task()
    binned = make_task(parent_id=parent.id)
    services.tasks.bin(binned.id, by=SYSTEM)
    services.tasks.change(parent.id, {"parent_id": chain[4].id}, by=SYSTEM)
    assert refused(lambda: services.tasks.restore(binned.id, by=SYSTEM)) == ["too_deep"]


def test_blockers_may_be_added_at_the_deepest_level(
    services: Services, make_task: MakeTask, chain: list[Task]
) -> None:
    assert services.tasks.block(chain[-1].id, make_task().id, by=SYSTEM).version == 2
