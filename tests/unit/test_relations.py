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
    """Tasks in a dictionary, with the method that the search calls; `reads` counts the calls."""

    def __init__(self, tasks: Collection[Task]) -> None:
        self.by_id = {task.id: task for task in tasks}
        self.reads = 0

    def links(self, task_ids: Collection[str], *, down: bool) -> Sequence[Links]:
        self.reads += 1
        visible = [task.links for task in self.by_id.values() if not task.is_binned]
        return [
            row
            for row in visible
            if row.id in task_ids
            or (row.parent_id in task_ids if down else not set(row.blocked_by).isdisjoint(task_ids))
        ]

    def with_(self, *changed: Task) -> Tasks:
        return Tasks((self.by_id | {task.id: task for task in changed}).values())

    @property
    def edges(self) -> Edges:
        """The pairs (waiting, awaited) among the tasks outside the bin."""
        visible = {task.id: task for task in self.by_id.values() if not task.is_binned}
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


def search(tasks: Tasks, step: Step) -> RingSearch:
    return search_ring(tasks, step) if step.adds_edges else RingSearch()  # type: ignore[arg-type]


def step(before: Task, after: Task, *, created: bool = False) -> Step:
    return Step(before=before, after=after, policy=DEFAULT_POLICY, by=SYSTEM, created=created)


@st.composite
def worlds(draw: Any, count: int = 7) -> Tasks:
    """Tasks without a ring outside the bin; relations of tasks in the bin are arbitrary."""
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
    """Restores a task, or gives it another parent and other blockers outside the bin."""
    before = world.by_id[draw(st.sampled_from(sorted(world.by_id)))]
    if before.is_binned:
        return step(before, replace(before, deleted_at=None))
    others = st.sampled_from(sorted(task.id for task in world.by_id.values() if not task.is_binned))
    kept = [b for b in before.blocked_by if draw(st.booleans())]
    blockers = tuple(dict.fromkeys([*kept, *draw(st.lists(others, max_size=2))]))
    parent = draw(st.sampled_from([before.parent_id]) | st.none() | others)
    return step(before, replace(before, blocked_by=blockers, parent_id=parent))


@given(st.data())
def test_a_ring_is_found_where_there_would_be_one_and_nowhere_else(data: Any) -> None:
    world = data.draw(worlds())
    one = data.draw(steps(world))
    after = world.with_(one.after)

    ring = search(world, one).ring

    assert bool(ring) == after.is_cyclic
    if ring:
        assert ring[0] == ring[-1] == one.after.id
        assert set(pairwise(ring)) <= after.edges


def test_a_parent_in_the_bin_closes_no_ring() -> None:
    parent = a_task(deleted_at=NOW)
    blocker = a_task(blocked_by=(parent.id,))
    binned = a_task(parent_id=parent.id, blocked_by=(parent.id, blocker.id), deleted_at=NOW)

    restored = step(binned, replace(binned, deleted_at=None))

    assert search(Tasks([parent, blocker, binned]), restored).ring == ()


def simple_steps(world: Tasks) -> list[Step]:
    """Returns every step that adds a blocker, sets a parent or restores a task."""
    visible = [task for task in world.by_id.values() if not task.is_binned]
    pairs = list(permutations(visible, 2))
    return [
        *(step(one, replace(one, blocked_by=(*one.blocked_by, other.id))) for one, other in pairs),
        *(step(one, replace(one, parent_id=other.id)) for one, other in pairs),
        *(step(one, replace(one, deleted_at=None)) for one in world.by_id.values() if one.is_binned),
    ]


@settings(max_examples=50)
@given(worlds(count=5))
def test_two_commands_that_would_close_a_ring_together_write_the_same_task(world: Tasks) -> None:
    searched = [(one, search(world, one)) for one in simple_steps(world)]
    allowed = [(one, {one.after.id, *each.sources}) for one, each in searched if not each.ring]
    for (one, written), (two, written_too) in combinations(allowed, 2):
        if written.isdisjoint(written_too):
            assert not world.with_(one.after, two.after).is_cyclic


def test_a_new_task_that_only_waits_needs_no_reads() -> None:
    chain = a_chain(200)
    new = a_task(blocked_by=(chain[0].id,))
    tasks = Tasks(chain)
    assert search(tasks, step(new, new, created=True)) == RingSearch()
    assert tasks.reads == 0


def a_chain(count: int) -> list[Task]:
    """Returns a chain of tasks, each waiting for the next."""
    tasks = [a_task() for _ in range(count)]
    return [*(replace(one, blocked_by=(other.id,)) for one, other in pairwise(tasks)), tasks[-1]]


def joined(waiting: int, awaited: int) -> tuple[RingSearch, int]:
    """Makes the last task of one chain wait for the first of another; returns the result and its reads."""
    one, two = a_chain(waiting + 1), a_chain(awaited)
    tasks = Tasks([*one, *two])
    return search(tasks, step(one[-1], replace(one[-1], blocked_by=(two[0].id,)))), tasks.reads


@pytest.mark.parametrize(("waiting", "awaited"), [(0, 10_000), (10_000, 1), (2, 300), (300, 2)])
def test_extending_a_long_chain_costs_reads_for_the_shorter_side_only(waiting: int, awaited: int) -> None:
    result, reads = joined(waiting, awaited)
    assert not result.ring
    assert not result.too_long
    assert reads <= 2 * (min(waiting, awaited) + 1)


def test_two_chains_can_be_joined_unless_both_are_too_long() -> None:
    maximum = MAX_CHAIN_LENGTH
    assert not joined(maximum, maximum + 1)[0].too_long
    assert not joined(maximum + 1, maximum)[0].too_long
    result, reads = joined(maximum + 1, maximum + 1)
    assert result.too_long
    assert reads <= 2 * maximum + 1
