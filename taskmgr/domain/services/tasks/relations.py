"""Finds out whether new relations would make a task wait for itself.

A task waits for its blockers and for its subtasks. Every ring that a step closes leads through the
step's task, so the search starts there and goes in both directions at once: *down*, to the tasks that the
task would wait for, and *up*, to the tasks that would wait for it. If one direction ends without meeting the
other, there is no ring. So adding a task at the end of even the longest chain costs two reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from taskmgr.domain.model.task import Links
from taskmgr.domain.ports.commands import TaskRepository
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.step import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class RingSearch:
    """The result of a search: the ring, if there is one.

    `too_long` means that the chains in both directions are too long to rule out a ring. `sources` are the
    tasks that the result rests on. Two commands that each touch all of their sources cannot close a ring
    together: the new edge of one would begin or end at a source of the other, and a command touches both
    ends of its new edges.
    """

    ring: tuple[str, ...] = ()
    too_long: bool = False
    sources: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Direction:
    """The search in one direction.

    `reached` maps each task reached so far to the task from which it was reached. `levels` counts the steps
    made beyond the first tasks reached.
    """

    down: bool
    frontier: list[str] = field(default_factory=list)
    reached: dict[str, str] = field(default_factory=dict)
    levels: int = 0

    def follow(self, edges: Iterable[tuple[str, str]]) -> None:
        """Makes the tasks that these edges lead to the next frontier; each edge is (from, to)."""
        self.frontier = []
        for start, end in edges:
            if end not in self.reached:
                self.reached[end] = start
                self.frontier.append(end)

    def edges(self, rows: Iterable[Links]) -> Iterable[tuple[str, str]]:
        """Yields the edges that lead from the frontier to these tasks or to their relations.

        Half of the edges are stored at the frontier's tasks, the other half at the tasks that they lead to.
        """
        frontier = set(self.frontier)
        for row in rows:
            if row.id in frontier:
                ends = row.blocked_by if self.down else (row.parent_id,)
                yield from ((row.id, end) for end in ends if end is not None)
            starts = (row.parent_id,) if self.down else row.blocked_by
            yield from ((start, row.id) for start in starts if start in frontier)

    def path_to(self, task_id: str, start: str) -> list[str]:
        """Returns the tasks on the path from `start`, which is left out, to this task."""
        path = [task_id]
        while (previous := self.reached[path[-1]]) != start:
            path.append(previous)
        return path[::-1]


def search_ring(tasks: TaskRepository, step: Step) -> RingSearch:
    """Looks for a ring through the step's task."""
    step = _without_binned_parent(tasks, step)
    task = step.after
    down, up = _start(step)
    while down.frontier and up.frontier:
        open_sides = [side for side in (up, down) if side.levels < MAX_CHAIN_LENGTH]
        if not open_sides:
            return RingSearch(too_long=True)
        side = min(open_sides, key=lambda side: (len(side.frontier), side.levels))
        rows = tasks.links(side.frontier, down=side.down)
        others = [row for row in rows if row.id != task.id]
        side.follow(list(side.edges([*others, task.links])))
        side.levels += 1
        if ring := _ring(task.id, down, up):
            return RingSearch(ring=ring)
    if ring := _ring(task.id, down, up):
        return RingSearch(ring=ring)
    if step.created and not up.reached:
        return RingSearch()  # no other task can wait for one that is just being created
    ended = up if not up.frontier else down
    return RingSearch(sources=frozenset({*ended.reached, *step.new_blockers, *_as_tuple(step.new_parent_id)}))


def _without_binned_parent(tasks: TaskRepository, step: Step) -> Step:
    """Returns the step without a parent that is in the bin, which only a restoring can have.

    Another rule refuses it, and tasks in the bin close no ring. Blockers in the bin do no harm: nothing leads
    on from them, and nothing leads up to them.
    """
    parent_id = step.after.parent_id
    if not step.restored or parent_id is None:
        return step
    if any(row.id == parent_id for row in tasks.links([parent_id], down=False)):
        return step
    return replace(step, after=replace(step.after, parent_id=None))


def _start(step: Step) -> tuple[_Direction, _Direction]:
    """Returns both directions at the start of the search.

    Every ring leads through a new edge. So if all new edges leave the task in one direction, only these are
    followed there, while every edge is followed in the other direction.
    """
    task = step.after
    down, up = _Direction(down=True), _Direction(down=False)
    blockers, parents = step.new_blockers, _as_tuple(step.new_parent_id)
    if step.created or not parents:
        down.follow((task.id, blocker) for blocker in blockers)
    else:
        down = _Direction(down=True, frontier=[task.id], levels=-1)
    if step.created or not blockers:
        up.follow((task.id, parent) for parent in parents)
    else:
        up = _Direction(down=False, frontier=[task.id], levels=-1)
    return down, up


def _as_tuple(task_id: str | None) -> tuple[str, ...]:
    return () if task_id is None else (task_id,)


def _ring(start: str, down: _Direction, up: _Direction) -> tuple[str, ...]:
    """Returns the path from the task to itself, if a direction has reached it or the other direction."""
    if start in down.reached:
        return (start, *down.path_to(start, start))
    if start in up.reached:
        return (*reversed(up.path_to(start, start)), start)
    meeting = next((task_id for task_id in up.reached if task_id in down.reached), None)
    if meeting is None:
        return ()
    return (start, *down.path_to(meeting, start), *reversed(up.path_to(meeting, start)[:-1]), start)
