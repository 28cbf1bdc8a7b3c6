"""Rings are found before they are closed, and never closed by two commands at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Links, Task
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.tasks.relations import RingSearch, search_ring
from tests.factories import NOW, SYSTEM, a_task

Edges = set[tuple[str, str]]


def key(number: int) -> str:
    return f"{number:024x}"


class Tasks:
    """Tasks in a dictionary, as the search asks for them; `asked` counts how often it does."""

    def __init__(self, tasks: Collection[Task]) -> None:
        self.there = {task.id: task for task in tasks}
        self.asked = 0

    def links(self, task_ids: Collection[str], *, down: bool) -> Sequence[Links]:
        self.asked += 1
        visible = [task.links for task in self.there.values() if not task.is_binned]
        return [
            row
            for row in visible
            if row.id in task_ids
            or (row.parent_id in task_ids if down else not set(row.blocked_by).isdisjoint(task_ids))
        ]

    def with_(self, *changed: Task) -> Tasks:
        return Tasks((self.there | {task.id: task for task in changed}).values())

    @property
    def edges(self) -> Edges:
        """What waits for what, among the tasks outside the bin."""
        visible = {task.id: task for task in self.there.values() if not task.is_binned}
        edges = {(task.id, other) for task in visible.values() for other in task.blocked_by}
        edges |= {(str(task.parent_id), task.id) for task in visible.values()}
        return {(here, there) for here, there in edges if here in visible and there in visible}

    @property
    def is_cyclic(self) -> bool:
        edges = self.edges
        while edges:
            waiting = {here for here, _ in edges}
            left = {(here, there) for here, there in edges if there in waiting}
            if left == edges:
                return True
            edges = left
        return False


def found(tasks: Tasks, step: Step) -> RingSearch:
    return search_ring(tasks, step) if step.adds_edges else RingSearch()  # type: ignore[arg-type]


def step(before: Task, after: Task, *, created: bool = False) -> Step:
    return Step(before=before, after=after, policy=DEFAULT_POLICY, by=SYSTEM, created=created)


@st.composite
def worlds(draw: Any, count: int = 7) -> Tasks:
    """Tasks without a ring among those outside the bin; relations with those inside may be any."""
    binned = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    tasks = []
    for n in range(count):
        blockers = [
            b
            for b in draw(st.sets(st.integers(0, count - 1), max_size=3))
            if b > n or (b != n and (binned[n] or binned[b]))
        ]
        parents = [p for p in range(n) if binned[n] or not binned[p]]
        parent = draw(st.sampled_from([None, *parents]))
        tasks.append(
            a_task(
                id=key(n),
                blocked_by=tuple(map(key, blockers)),
                parent_id=None if parent is None else key(parent),
                deleted_at=NOW if binned[n] else None,
            )
        )
    world = Tasks(tasks)
    assert not world.is_cyclic
    return world


@st.composite
def steps(draw: Any, world: Tasks) -> Step:
    """A restoring, or another parent and other blockers among the tasks outside the bin."""
    before = world.there[draw(st.sampled_from(sorted(world.there)))]
    if before.is_binned:
        return step(before, replace(before, deleted_at=None))
    others = st.sampled_from(sorted(task.id for task in world.there.values() if not task.is_binned))
    kept = [b for b in before.blocked_by if draw(st.booleans())]
    blockers = tuple(dict.fromkeys([*kept, *draw(st.lists(others, max_size=2))]))
    parent = draw(st.sampled_from([before.parent_id]) | st.none() | others)
    return step(before, replace(before, blocked_by=blockers, parent_id=parent))


@given(st.data())
def test_a_ring_is_found_where_there_would_be_one_and_nowhere_else(data: Any) -> None:
    world = data.draw(worlds())
    one = data.draw(steps(world))
    after = world.with_(one.after)

    ring = found(world, one).ring

    assert bool(ring) == after.is_cyclic
    if ring:
        assert ring[0] == ring[-1] == one.after.id
        assert set(pairwise(ring)) <= after.edges


def simple_steps(world: Tasks) -> list[Step]:
    """Every way to add one blocker or a parent, and every restoring."""
    visible = [task for task in world.there.values() if not task.is_binned]
    pairs = list(permutations(visible, 2))
    return [
        *(step(one, replace(one, blocked_by=(*one.blocked_by, other.id))) for one, other in pairs),
        *(step(one, replace(one, parent_id=other.id)) for one, other in pairs),
        *(step(one, replace(one, deleted_at=None)) for one in world.there.values() if one.is_binned),
    ]


@settings(max_examples=50)
@given(worlds(count=5))
def test_two_commands_that_would_close_a_ring_together_write_the_same_task(world: Tasks) -> None:
    searched = [(one, found(world, one)) for one in simple_steps(world)]
    allowed = [(one, {one.after.id, *each.sources}) for one, each in searched if not each.ring]
    for (one, written), (two, written_too) in combinations(allowed, 2):
        if written.isdisjoint(written_too):
            assert not world.with_(one.after, two.after).is_cyclic


def test_nothing_is_asked_about_a_new_task_that_waits() -> None:
    chain = row(200)
    new = a_task(blocked_by=(chain[0].id,))
    tasks = Tasks(chain)
    assert found(tasks, step(new, new, created=True)) == RingSearch()
    assert tasks.asked == 0


def row(count: int) -> list[Task]:
    """Tasks each of which waits for the next one."""
    tasks = [a_task() for _ in range(count)]
    return [*(replace(one, blocked_by=(other.id,)) for one, other in pairwise(tasks)), tasks[-1]]


def joined(waiting: int, awaited: int) -> tuple[RingSearch, int]:
    """What is found where a task that a row waits for begins to wait for the first of another row."""
    one, two = row(waiting + 1), row(awaited)
    tasks = Tasks([*one, *two])
    return found(tasks, step(one[-1], replace(one[-1], blocked_by=(two[0].id,)))), tasks.asked


@pytest.mark.parametrize(("waiting", "awaited"), [(0, 10_000), (10_000, 1), (2, 300), (300, 2)])
def test_a_long_row_grows_at_its_ends_at_the_cost_of_the_shorter_side(waiting: int, awaited: int) -> None:
    answer, asked = joined(waiting, awaited)
    assert not answer.ring
    assert not answer.too_long
    assert asked <= 2 * (min(waiting, awaited) + 1)


def test_two_rows_are_joined_as_long_as_one_of_them_is_not_too_long() -> None:
    most = MAX_CHAIN_LENGTH
    assert not joined(most, most + 1)[0].too_long
    assert not joined(most + 1, most)[0].too_long
    answer, asked = joined(most + 1, most + 1)
    assert answer.too_long
    assert asked <= 2 * most + 1
