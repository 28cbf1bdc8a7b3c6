"""Effective priorities: raised by the due date and by waiting tasks, with their causes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_WORKFLOW
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.urgency import Cause, EffectivePriority, effective_priorities
from tests.factories import NOW, a_task, an_id

LOW, MEDIUM, HIGH, URGENT = Priority
MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)


def due(late: timedelta) -> DueDate:
    """Returns the due date that is this late; a negative duration lies ahead."""
    return DueDate.at_instant(NOW - late)


def effective(task: Task, *waiting: Task) -> EffectivePriority:
    """Returns the effective priority of a task, with all tasks that wait for it along any chain."""
    result = effective_all([task], [task, *waiting])[task.id]
    assert result is not None
    return result


def effective_all(tasks: Sequence[Task], all_tasks: Sequence[Task]) -> dict[str, EffectivePriority | None]:
    dependants: dict[str, list[Task]] = {}
    for other in all_tasks:
        for blocker in other.blocked_by:
            dependants.setdefault(blocker, []).append(other)
    return effective_priorities(tasks, dependants, now=NOW, workflow=DEFAULT_WORKFLOW)


def codes(result: EffectivePriority) -> list[str]:
    return [cause.code for cause in result.because]


@pytest.mark.parametrize("priority", Priority)
def test_without_a_due_date_and_dependants_it_is_the_stored_one(priority: Priority) -> None:
    assert effective(a_task(priority=priority)) == EffectivePriority(value=priority, because=())


@pytest.mark.parametrize(
    ("late", "value", "because"),
    [
        (-365 * DAY, LOW, []),
        (-DAY - MILLISECOND, LOW, []),
        (-DAY, MEDIUM, ["due_soon"]),
        (-MILLISECOND, MEDIUM, ["due_soon"]),
        (timedelta(0), HIGH, ["overdue"]),
        (3 * DAY, HIGH, ["overdue"]),
        (3 * DAY + MILLISECOND, URGENT, ["long_overdue"]),
        (365 * DAY, URGENT, ["long_overdue"]),
    ],
)
def test_the_due_date_raises_a_low_task(late: timedelta, value: Priority, because: list[str]) -> None:
    result = effective(a_task(priority=LOW, due_date=due(late)))
    assert (result.value, codes(result)) == (value, because)


@pytest.mark.parametrize(
    ("stored", "late"), [(MEDIUM, -DAY), (HIGH, timedelta(0)), (URGENT, 9 * DAY), (URGENT, timedelta(0))]
)
def test_the_due_date_lowers_no_priority_and_is_no_cause_if_it_raises_none(
    stored: Priority, late: timedelta
) -> None:
    result = effective(a_task(priority=stored, due_date=due(late)))
    assert result == EffectivePriority(value=stored, because=())


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_closed_task_has_no_effective_priority(status: str) -> None:
    task = a_task(status=status, priority=URGENT, due_date=due(9 * DAY))
    assert effective_all([task], [task]) == {task.id: None}


def test_a_task_is_as_urgent_as_what_waits_for_it() -> None:
    blocker = a_task(priority=LOW)
    waiting = a_task(priority=HIGH, blocked_by=(blocker.id,))
    detail = f"{waiting.key} ({waiting.title}) waits for it."
    cause = Cause(code="blocks", detail=detail, task_id=waiting.id)
    assert effective(blocker, waiting) == EffectivePriority(value=HIGH, because=(cause,))


def test_a_waiting_task_counts_with_its_own_effective_priority() -> None:
    blocker = a_task(priority=LOW)
    waiting = a_task(priority=LOW, due_date=due(9 * DAY), blocked_by=(blocker.id,))
    assert effective(blocker, waiting).value is URGENT


def test_urgency_follows_a_chain_of_waiting_tasks() -> None:
    first = a_task(priority=LOW)
    second = a_task(priority=LOW, blocked_by=(first.id,))
    third = a_task(priority=URGENT, blocked_by=(second.id,))
    result = effective(first, second, third)
    assert (result.value, [cause.task_id for cause in result.because]) == (URGENT, [second.id])


def test_a_task_that_waits_for_another_one_does_not_count() -> None:
    assert effective(a_task(priority=LOW), a_task(priority=URGENT, blocked_by=(an_id(),))).value is LOW


def test_a_less_urgent_waiting_task_raises_nothing() -> None:
    blocker = a_task(priority=HIGH)
    result = effective(blocker, a_task(priority=MEDIUM, blocked_by=(blocker.id,)))
    assert result == EffectivePriority(value=HIGH, because=())


def test_every_cause_of_the_highest_priority_is_named() -> None:
    blocker = a_task(priority=LOW, due_date=due(timedelta(0)))
    one, two, less = (a_task(priority=p, blocked_by=(blocker.id,)) for p in (HIGH, HIGH, MEDIUM))
    result = effective(blocker, one, two, less)
    assert codes(result) == ["overdue", "blocks", "blocks"]
    assert {cause.task_id for cause in result.because} == {None, one.id, two.id}


def test_a_ring_of_waiting_tasks_ends() -> None:
    ids = [an_id(), an_id(), an_id()]
    ring = [a_task(id=ids[n], blocked_by=(ids[n - 1],), priority=p) for n, p in enumerate((LOW, HIGH, LOW))]
    result = effective_all(ring, ring)
    assert [result[task_id].value for task_id in ids] == [HIGH, HIGH, HIGH]  # type: ignore[union-attr]


def test_a_task_that_waits_for_itself_keeps_its_priority() -> None:
    task_id = an_id()
    task = a_task(id=task_id, blocked_by=(task_id,))
    assert effective(task).value is MEDIUM


def a_chain(length: int) -> list[Task]:
    """Returns tasks that each wait for the one before; only the last is urgent."""
    chain = [a_task(priority=LOW)]
    for _ in range(length - 1):
        chain.append(a_task(priority=LOW, blocked_by=(chain[-1].id,)))
    return [*chain, a_task(priority=URGENT, blocked_by=(chain[-1].id,))]


@pytest.mark.parametrize(
    ("length", "value"), [(MAX_CHAIN_LENGTH, URGENT), (MAX_CHAIN_LENGTH + 1, LOW), (5_000, LOW)]
)
def test_urgency_follows_a_chain_up_to_its_maximum_length(length: int, value: Priority) -> None:
    chain = a_chain(length)
    assert effective(*chain).value is value


def test_how_far_urgency_goes_does_not_depend_on_the_other_tasks_of_the_page() -> None:
    chain = a_chain(MAX_CHAIN_LENGTH + 1)
    values = [result.value for result in effective_all(chain, chain).values() if result]
    assert values == [LOW, *[URGENT] * (MAX_CHAIN_LENGTH + 1)]


def test_several_tasks_are_judged_at_once() -> None:
    one, two = a_task(priority=LOW), a_task(status="completed")
    result = effective_all([one, two], [one, two])
    assert result == {one.id: EffectivePriority(value=LOW, because=()), two.id: None}


EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(EDGES, st.lists(st.sampled_from(Priority), min_size=6, max_size=6))
def test_effective_priority_is_the_highest_of_all_tasks_that_wait_along_any_path(
    edges: list[tuple[int, int]], priorities: list[Priority]
) -> None:
    ids = [an_id() for _ in priorities]
    blockers = [tuple(ids[b] for w, b in edges if w == n) for n in range(6)]
    tasks = [a_task(id=ids[n], priority=priorities[n], blocked_by=blockers[n]) for n in range(6)]
    result = effective_all(tasks, tasks)
    for n, task_id in enumerate(ids):
        above = {n}
        for _ in ids:
            above |= {waiting for waiting, blocker in edges if blocker in above}
        expected = max(priorities[other] for other in above)
        one = result[task_id]
        assert one is not None
        assert one.value is expected
        assert bool(one.because) is (expected > priorities[n])
