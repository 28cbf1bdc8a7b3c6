"""What the figures must reach, as ratios of CPU time in one and the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import Table


@dataclass(frozen=True, kw_only=True)
class Target:
    """One figure against another of the same table, each given as (call, column)."""

    text: str
    figure: tuple[str, str]
    against: tuple[str, str]
    most: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A target and the ratio that was measured; None where one of the two was not."""

    target: Target
    ratio: float | None

    @property
    def is_met(self) -> bool:
        return self.ratio is not None and self.ratio <= self.target.most

    @property
    def text(self) -> str:
        """Met, or by how much not."""
        if self.ratio is None:
            return "not measured"
        if self.is_met:
            return "met"
        return f"missed by {100 * (self.ratio / self.target.most - 1):.0f} %"


def _target(text: str, call: str, column: str, against: str, most: float) -> Target:
    return Target(text=text, figure=(call, column), against=(call, against), most=most)


COMPARED: Sequence[Target] = (
    _target("list of 50, to the floor", "list", "taskmgr", "floor", 1.6),
    _target("list of 50, to FastAPI + Beanie", "list", "taskmgr", "modern", 0.6),
    _target("one task, to the floor", "one", "taskmgr", "floor", 1.5),
    _target("one task, to FastAPI + Beanie", "one", "taskmgr", "modern", 1.1),
    Target(
        text="list unchanged (304), to our own list",
        figure=("unchanged", "taskmgr"),
        against=("list", "taskmgr"),
        most=0.5,
    ),
    _target("users with tasks, to the same pipeline on the floor", "users", "taskmgr", "floor", 1.6),
    _target("create with transaction and log, to the floor's insert", "create", "taskmgr", "floor", 2.5),
)


def scaled(least: str, most: str) -> Sequence[Target]:
    """The targets of growth, between the smallest and the largest size."""
    return (
        _target(f"list of 50, {most} to {least} tasks", "list", most, least, 1.3),
        _target(f"one task, {most} to {least} tasks", "one", most, least, 1.3),
        _target(f"users with tasks, {most} to {least} tasks", "users", most, least, 1.3),
        Target(
            text=f"page 1,000 to page 1, {most} tasks",
            figure=("page_1000", most),
            against=("page_1", most),
            most=1.1,
        ),
    )


def judged(targets: Sequence[Target], table: Table) -> list[Verdict]:
    return [Verdict(target=target, ratio=_ratio(target, table)) for target in targets]


def _ratio(target: Target, table: Table) -> float | None:
    found = [table.get(call, {}).get(column) for call, column in (target.figure, target.against)]
    if found[0] is None or found[1] is None or not found[1].cpu:
        return None
    return found[0].cpu / found[1].cpu
