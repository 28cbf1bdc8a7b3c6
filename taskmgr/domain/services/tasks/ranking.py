"""Finds the rank of a task for a place in the order by hand, and makes room if there is none.

Tasks in the bin keep their rank and count as neighbours, so a restored task is where it was. Both neighbours
of the place are touched: of two commands that use one gap, the second runs again, and finds the task of the
first there. No two tasks of a project therefore get the same rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.rank import MAX_LENGTH, next_to, number_rank_above, number_rank_below, spread
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role
from taskmgr.domain.ports.commands import Clock
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services.journal import Journal

_SPREADING = Actor(id="system:ranking", role=Role.ADMIN)
_REASON = "There was no room for another task at this place."


@dataclass(frozen=True, slots=True)
class Ranked:
    """The rank of a task at its new place, and the neighbours that it rests on.

    `new_ranks` are those of the neighbours, in the same order; they differ from the present ones if the
    tasks around the place had to be spread.
    """

    rank: str
    neighbours: Sequence[Task] = ()
    new_ranks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """Moves tasks in the order by hand, inside the transaction of a command.

    A rank longer than `max_length` is not given: the ranks of up to `reach` tasks on each side are spread.
    """

    store: Store
    journal: Journal
    clock: Clock
    max_length: int = MAX_LENGTH
    reach: int = 100

    def find(self, task: Task, side: str, anchor: Task | None) -> Ranked:
        """Returns what puts a task at a side of another one, or at an end of its project; only reads.

        A task that is there already keeps its rank.
        """
        forward = side in ("after", "first")
        visible = self._neighbours(task, anchor, forward=forward, binned=False, limit=1)
        if visible and visible[0].id == task.id:
            return Ranked(task.rank)
        binned = self._neighbours(task, anchor, forward=forward, binned=True, limit=1)
        beyond = next(iter(_ordered(visible, binned, forward=forward)), None)
        low, high = (anchor, beyond) if forward else (beyond, anchor)
        return self._between(task, low, high)

    def settle(self, ranked: Ranked) -> None:
        """Touches the neighbours, and stores their ranks if they have been spread.

        Call it after the rules have allowed the step.
        """
        pairs = list(zip(ranked.neighbours, ranked.new_ranks, strict=True))
        same = [task.id for task, rank in pairs if task.rank == rank]
        if same and not self.store.unit_of_work.is_dry_run:
            self.store.tasks.touch(same)
        moved = [(task, self._moved(task, rank)) for task, rank in pairs if task.rank != rank]
        if not moved:
            return
        self.store.tasks.replace_ranks([after for _, after in moved])
        with self.store.unit_of_work.gathered():
            for before, after in moved:
                self.journal.record("task.ranked", before, after, by=_SPREADING, reason=_REASON)

    def _between(self, task: Task, low: Task | None, high: Task | None) -> Ranked:
        neighbours = [neighbour for neighbour in (low, high) if neighbour is not None]
        if not neighbours:  # it comes from another project, and is the only task
            return Ranked(task.rank)
        ranks = [neighbour.rank for neighbour in neighbours]
        if len(set(ranks)) == len(ranks):
            rank = next_to(low.rank if low else None, high.rank if high else None)
            if len(rank) <= self.max_length:
                return Ranked(rank, neighbours, ranks)
        return self._spread(task, low, high)

    def _spread(self, task: Task, low: Task | None, high: Task | None) -> Ranked:
        """Returns short ranks for the task and those around its place, without changing their order."""
        below, lower_end = self._around(task, low, high, forward=False)
        above, upper_end = self._around(task, high, low, forward=True)
        neighbours = [*reversed(below), *above]
        ranks = spread(
            number_rank_below(neighbours[0].rank) if lower_end is None else lower_end.rank,
            number_rank_above(neighbours[-1].rank) if upper_end is None else upper_end.rank,
            len(neighbours) + 1,
        )
        rank = ranks.pop(len(below))
        return Ranked(rank, neighbours, ranks)

    def _around(
        self, task: Task, nearest: Task | None, opposite: Task | None, *, forward: bool
    ) -> tuple[Sequence[Task], Task | None]:
        """Returns the tasks on one side of the place, the nearest first, and the one that follows them."""
        if nearest is None:
            return [], None
        visible, binned = (
            self._neighbours(task, opposite, forward=forward, binned=binned, limit=self.reach + 2)
            for binned in (False, True)
        )
        others = [other for other in _ordered(visible, binned, forward=forward) if other.id != task.id]
        return others[: self.reach], others[self.reach] if len(others) > self.reach else None

    def _neighbours(
        self, task: Task, anchor: Task | None, *, forward: bool, binned: bool, limit: int
    ) -> Sequence[Task]:
        # Two calls, because the planner sorts all tasks beyond the place if `binned` is one of two values.
        return self.store.tasks.neighbours(task.project, anchor, forward=forward, binned=binned, limit=limit)

    def _moved(self, task: Task, rank: str) -> Task:
        return replace(task, rank=rank).next_version(now=time_of_change(self.clock, task))


def _ordered(visible: Sequence[Task], binned: Sequence[Task], *, forward: bool) -> Sequence[Task]:
    """Returns the neighbours of a place in and outside the bin, the nearest first."""
    return sorted([*visible, *binned], key=lambda task: (task.rank, task.id), reverse=not forward)
