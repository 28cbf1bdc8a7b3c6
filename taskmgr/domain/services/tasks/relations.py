"""Finds out whether new relations would make a task wait for itself.

A task waits for its blockers and for its subtasks. Every ring that a step closes leads through the
step's task, so it is looked for from there in both directions at once: *down*, to what the task would
wait for, and *up*, to what would wait for the task. Where one direction comes to an end without
meeting the other there is no ring, so a new end of even the longest chain costs two reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from taskmgr.domain.model.task import Links
from taskmgr.domain.ports.commands import TaskRepository
from taskmgr.domain.rules.rule_book import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.step import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What was found: the ring, if any; whether both directions are too long to tell; and `read`.

    `read` are the tasks that the answer rests on. A command that touches all of them cannot close a
    ring together with another such command: the other's new edge would begin or end at one of them,
    and a command touches both ends of its new edges.
    """

    ring: tuple[str, ...] = ()
    too_long: bool = False
    read: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Direction:
    """`reached` has, for each task that was met, the one it was met from, which is nearer.

    `levels` counts how many tasks in a row are behind the first one that was met.
    """

    down: bool
    frontier: list[str] = field(default_factory=list)
    reached: dict[str, str] = field(default_factory=dict)
    levels: int = 0

    def reach(self, edges: Iterable[tuple[str, str]]) -> None:
        """Goes on to what these edges lead to; each is the nearer task and the one behind it."""
        self.frontier = []
        for here, there in edges:
            if there not in self.reached:
                self.reached[there] = here
                self.frontier.append(there)

    def edges(self, rows: Iterable[Links]) -> Iterable[tuple[str, str]]:
        """The edges between the frontier and these tasks, as `reach` takes them."""
        here = set(self.frontier)
        for row in rows:
            if row.id in here:
                ahead = row.blocked_by if self.down else (row.parent_id,)
                yield from ((row.id, there) for there in ahead if there is not None)
            behind = (row.parent_id,) if self.down else row.blocked_by
            yield from ((there, row.id) for there in behind if there in here)

    def way_to(self, task_id: str, start: str) -> list[str]:
        """The tasks between the start and this one, which comes last."""
        way = [task_id]
        while (nearer := self.reached[way[-1]]) != start:
            way.append(nearer)
        return way[::-1]


def search(tasks: TaskRepository, step: Step) -> Search:
    """Looks for a ring through the step's task."""
    task = step.after
    down, up = _start(step)
    while down.frontier and up.frontier:
        able = [side for side in (up, down) if side.levels < MAX_CHAIN_LENGTH]
        if not able:
            return Search(too_long=True)
        side = min(able, key=lambda side: (len(side.frontier), side.levels))
        rows = tasks.links(side.frontier, down=side.down)
        others = [row for row in rows if row.id != task.id]
        side.reach(list(side.edges([*others, task.links])))
        side.levels += 1
        if ring := _ring(task.id, down, up):
            return Search(ring=ring)
    if ring := _ring(task.id, down, up):
        return Search(ring=ring)
    if step.created and not up.reached:
        return Search()  # nobody can wait for a task that nobody has seen
    ended = up if not up.frontier else down
    return Search(read=frozenset({*ended.reached, *step.new_blockers, *_known(step.new_parent_id)}))


def _start(step: Step) -> tuple[_Direction, _Direction]:
    """Both directions at their beginning. A ring leads through a new edge: only these are followed
    from the task, where they are all new in one direction; in the other every edge is."""
    task = step.after
    down, up = _Direction(down=True), _Direction(down=False)
    blockers, parents = step.new_blockers, _known(step.new_parent_id)
    if step.created or not parents:
        down.reach((task.id, blocker) for blocker in blockers)
    else:
        down = _Direction(down=True, frontier=[task.id], levels=-1)
    if step.created or not blockers:
        up.reach((task.id, parent) for parent in parents)
    else:
        up = _Direction(down=False, frontier=[task.id], levels=-1)
    return down, up


def _known(task_id: str | None) -> tuple[str, ...]:
    return () if task_id is None else (task_id,)


def _ring(start: str, down: _Direction, up: _Direction) -> tuple[str, ...]:
    """A way from the task to itself, once a direction has met the task or the other direction."""
    if start in down.reached:
        return (start, *down.way_to(start, start))
    if start in up.reached:
        return (*reversed(up.way_to(start, start)), start)
    met = next((task_id for task_id in up.reached if task_id in down.reached), None)
    if met is None:
        return ()
    return (start, *down.way_to(met, start), *reversed(up.way_to(met, start)[:-1]), start)
