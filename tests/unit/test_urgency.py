"""How urgent a task really is: the clock, what waits for it, and why."""

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
    """Due so long ago, or ahead where it is negative."""
    return DueDate.at_instant(NOW - late)


def effective(task: Task, *waiting: Task) -> EffectivePriority:
    """Of a task, with all that waits for it directly or for what waits."""
    found = effective_all([task], [task, *waiting])[task.id]
    assert found is not None
    return found


def effective_all(tasks: Sequence[Task], there_are: Sequence[Task]) -> dict[str, EffectivePriority | None]:
    dependants: dict[str, list[Task]] = {}
    for other in there_are:
        for blocker in other.blocked_by:
            dependants.setdefault(blocker, []).append(other)
    return effective_priorities(tasks, dependants, now=NOW, workflow=DEFAULT_WORKFLOW)


def codes(found: EffectivePriority) -> list[str]:
    return [cause.code for cause in found.because]


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
def test_the_clock_lifts_a_low_task(late: timedelta, value: Priority, because: list[str]) -> None:
    found = effective(a_task(priority=LOW, due_date=due(late)))
    assert (found.value, codes(found)) == (value, because)


@pytest.mark.parametrize(
    ("stored", "late"), [(MEDIUM, -DAY), (HIGH, timedelta(0)), (URGENT, 9 * DAY), (URGENT, timedelta(0))]
)
def test_the_clock_lowers_nothing_and_gives_no_cause_for_what_it_did_not_lift(
    stored: Priority, late: timedelta
) -> None:
    found = effective(a_task(priority=stored, due_date=due(late)))
    assert found == EffectivePriority(value=stored, because=())


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_closed_task_has_none(status: str) -> None:
    task = a_task(status=status, priority=URGENT, due_date=due(9 * DAY))
    assert effective_all([task], [task]) == {task.id: None}


def test_a_task_is_as_urgent_as_what_waits_for_it() -> None:
    blocker = a_task(priority=LOW)
    waiting = a_task(priority=HIGH, blocked_by=(blocker.id,))
    detail = f"The task {waiting.id} waits for it."
    cause = Cause(code="blocks", detail=detail, task_id=waiting.id)
    assert effective(blocker, waiting) == EffectivePriority(value=HIGH, because=(cause,))


def test_what_waits_counts_with_its_own_effective_priority() -> None:
    blocker = a_task(priority=LOW)
    waiting = a_task(priority=LOW, due_date=due(9 * DAY), blocked_by=(blocker.id,))
    assert effective(blocker, waiting).value is URGENT


def test_urgency_goes_down_a_chain_of_waiting() -> None:
    first = a_task(priority=LOW)
    second = a_task(priority=LOW, blocked_by=(first.id,))
    third = a_task(priority=URGENT, blocked_by=(second.id,))
    found = effective(first, second, third)
    assert (found.value, [cause.task_id for cause in found.because]) == (URGENT, [second.id])


def test_what_waits_for_something_else_counts_for_nothing() -> None:
    assert effective(a_task(priority=LOW), a_task(priority=URGENT, blocked_by=(an_id(),))).value is LOW


def test_a_less_urgent_task_that_waits_lifts_nothing() -> None:
    blocker = a_task(priority=HIGH)
    found = effective(blocker, a_task(priority=MEDIUM, blocked_by=(blocker.id,)))
    assert found == EffectivePriority(value=HIGH, because=())


def test_every_cause_that_lifts_as_high_is_told() -> None:
    blocker = a_task(priority=LOW, due_date=due(timedelta(0)))
    one, two, less = (a_task(priority=p, blocked_by=(blocker.id,)) for p in (HIGH, HIGH, MEDIUM))
    found = effective(blocker, one, two, less)
    assert codes(found) == ["overdue", "blocks", "blocks"]
    assert {cause.task_id for cause in found.because} == {None, one.id, two.id}


def test_a_ring_of_waiting_comes_to_an_end() -> None:
    ids = [an_id(), an_id(), an_id()]
    ring = [a_task(id=ids[n], blocked_by=(ids[n - 1],), priority=p) for n, p in enumerate((LOW, HIGH, LOW))]
    found = effective_all(ring, ring)
    assert [found[task_id].value for task_id in ids] == [HIGH, HIGH, HIGH]  # type: ignore[union-attr]


def test_a_task_that_waits_for_itself_is_as_urgent_as_it_is() -> None:
    task_id = an_id()
    task = a_task(id=task_id, blocked_by=(task_id,))
    assert effective(task).value is MEDIUM


def a_row(length: int) -> list[Task]:
    """Tasks each of which waits for the one before; only the last is urgent."""
    chain = [a_task(priority=LOW)]
    for _ in range(length - 1):
        chain.append(a_task(priority=LOW, blocked_by=(chain[-1].id,)))
    return [*chain, a_task(priority=URGENT, blocked_by=(chain[-1].id,))]


@pytest.mark.parametrize(
    ("length", "value"), [(MAX_CHAIN_LENGTH, URGENT), (MAX_CHAIN_LENGTH + 1, LOW), (5_000, LOW)]
)
def test_urgency_goes_down_so_many_tasks_in_a_row(length: int, value: Priority) -> None:
    chain = a_row(length)
    assert effective(*chain).value is value


def test_how_far_urgency_goes_does_not_depend_on_what_is_asked_for_beside() -> None:
    chain = a_row(MAX_CHAIN_LENGTH + 1)
    values = [found.value for found in effective_all(chain, chain).values() if found]
    assert values == [LOW, *[URGENT] * (MAX_CHAIN_LENGTH + 1)]


def test_several_tasks_are_answered_at_once() -> None:
    one, two = a_task(priority=LOW), a_task(status="completed")
    found = effective_all([one, two], [one, two])
    assert found == {one.id: EffectivePriority(value=LOW, because=()), two.id: None}


EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(EDGES, st.lists(st.sampled_from(Priority), min_size=6, max_size=6))
def test_effective_priority_is_the_highest_of_all_that_waits_along_any_way(
    edges: list[tuple[int, int]], priorities: list[Priority]
) -> None:
    ids = [an_id() for _ in priorities]
    blockers = [tuple(ids[b] for w, b in edges if w == n) for n in range(6)]
    tasks = [a_task(id=ids[n], priority=priorities[n], blocked_by=blockers[n]) for n in range(6)]
    found = effective_all(tasks, tasks)
    for n, task_id in enumerate(ids):
        above = {n}
        for _ in ids:
            above |= {waiting for waiting, blocker in edges if blocker in above}
        expected = max(priorities[other] for other in above)
        answered = found[task_id]
        assert answered is not None
        assert answered.value is expected
        assert bool(answered.because) is (expected > priorities[n])
