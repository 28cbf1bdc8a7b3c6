"""What follows from other tasks and the clock, over stored tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.services import Services
from taskmgr.domain.services.derived import Derived
from tests.factories import SYSTEM, Clock
from tests.running import PATIENCE

MakeTask = Callable[..., Task]


def derived(services: Services, task: Task) -> Derived:
    found = services.tasks.get(task.id, by=SYSTEM)
    return services.derived.of([found], by=SYSTEM)[task.id]


def priority(services: Services, task: Task) -> Priority | None:
    effective = derived(services, task).effective_priority
    return effective and effective.value


def test_a_task_alone_is_neither_overdue_nor_blocked(services: Services, make_task: MakeTask) -> None:
    found = derived(services, make_task())
    assert (found.overdue, found.blocked, found.blocks) == (False, False, ())
    assert found.effective_priority is not None
    assert found.effective_priority.value is Priority.MEDIUM


def test_a_task_becomes_overdue(services: Services, make_task: MakeTask, clock: Clock) -> None:
    task = make_task(due_date="2026-03-10")
    assert not derived(services, task).overdue
    clock.advance(hours=12)
    assert derived(services, task).overdue


def test_a_task_is_blocked_until_its_last_blocker_is_completed_or_binned(
    services: Services, make_task: MakeTask
) -> None:
    one, two = make_task(), make_task()
    task = make_task(blocked_by=[one.id, two.id])
    assert derived(services, task).blocked
    services.tasks.bin(one.id, by=SYSTEM)
    services.tasks.change_status(two.id, status="cancelled", by=SYSTEM, reason="No.")
    assert derived(services, task).blocked
    services.tasks.unblock(task.id, two.id, by=SYSTEM)
    assert not derived(services, task).blocked


def test_a_task_blocks_the_open_tasks_that_wait_for_it(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    one, two = make_task(blocked_by=[task.id]), make_task(blocked_by=[task.id])
    make_task(blocked_by=[task.id], status="cancelled", reason="No.")
    services.tasks.bin(make_task(blocked_by=[task.id]).id, by=SYSTEM)
    assert set(derived(services, task).blocks) == {one.id, two.id}


def test_urgency_comes_down_a_chain_of_waiting_but_not_through_a_closed_task(
    services: Services, make_task: MakeTask
) -> None:
    first = make_task(priority="low")
    second = make_task(priority="low", blocked_by=[first.id])
    make_task(priority="urgent", due_date="2026-12-01", blocked_by=[second.id])
    assert priority(services, first) is Priority.URGENT
    services.tasks.change_status(second.id, status="cancelled", by=SYSTEM, reason="No.")
    assert priority(services, first) is Priority.LOW
    assert priority(services, second) is None


def test_a_page_of_tasks_is_answered_at_once(services: Services, make_task: MakeTask) -> None:
    one = make_task(priority="low")
    two = make_task(priority="high", blocked_by=[one.id])
    found: Any = services.derived.of([one, two], by=SYSTEM)
    assert [found[task.id].effective_priority.value for task in (one, two)] == [Priority.HIGH] * 2
    assert services.derived.of([], by=SYSTEM) == {}


def test_a_long_row_of_waiting_tasks_is_followed_only_so_far(
    services: Services, store: Store, make_task: MakeTask
) -> None:
    """Each task waits for the one before it, and the last one is urgent."""

    def row() -> list[Task]:
        tasks = [make_task()]
        for _ in range(2 * MAX_CHAIN_LENGTH):
            tasks.append(make_task(blocked_by=[tasks[-1].id]))
        return tasks

    tasks = store.unit_of_work.run(row, seconds=PATIENCE)
    services.tasks.change_priority(tasks[-1].id, priority="urgent", reason="Now.", by=SYSTEM)
    page = [services.tasks.get(task.id, by=SYSTEM) for task in tasks]

    found = services.derived.of(page, by=SYSTEM)
    lifted = [found[task.id].effective_priority for task in page]

    urgent = [
        place for place, effective in enumerate(lifted) if effective and effective.value is Priority.URGENT
    ]
    assert urgent == list(range(MAX_CHAIN_LENGTH, 2 * MAX_CHAIN_LENGTH + 1))
    assert priority(services, page[MAX_CHAIN_LENGTH]) is Priority.URGENT
    assert priority(services, page[MAX_CHAIN_LENGTH - 1]) is Priority.MEDIUM
