"""The targets of the benchmarks: the greatest allowed ratios of two CPU times within one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import Table


@dataclass(frozen=True, kw_only=True)
class Target:
    """Limits the ratio of two figures of a table, each named by (call, column)."""

    text: str
    figure: tuple[str, str]
    against: tuple[str, str]
    max_ratio: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A target and the measured ratio, which is None if one of the two figures is missing."""

    target: Target
    ratio: float | None

    @property
    def is_met(self) -> bool:
        return self.ratio is not None and self.ratio <= self.target.max_ratio

    @property
    def text(self) -> str:
        """Returns "met", "not measured", or by how much the target is missed."""
        if self.ratio is None:
            return "not measured"
        if self.is_met:
            return "met"
        return f"missed by {100 * (self.ratio / self.target.max_ratio - 1):.0f} %"


def _target(text: str, call: str, column: str, against: str, max_ratio: float) -> Target:
    return Target(text=text, figure=(call, column), against=(call, against), max_ratio=max_ratio)


COMPARISON_TARGETS: Sequence[Target] = (
    _target("one task, to FastAPI + Beanie", "one", "taskmgr", "modern", 0.8),
    _target("one task, to the floor", "one", "taskmgr", "floor", 1.25),
    _target("list of 50, to the floor", "list", "taskmgr", "floor", 1.2),
    _target("cold list of 50, to the floor", "pages", "taskmgr", "floor", 1.5),
    Target(
        text="unchanged list (304), to one task",
        figure=("unchanged", "taskmgr"),
        against=("one", "taskmgr"),
        max_ratio=0.8,
    ),
    _target("users with tasks, to the same pipeline on the floor", "users", "taskmgr", "floor", 1.6),
    _target("create, to the floor's transaction", "create", "taskmgr", "floor", 1.45),
    _target("create, to FastAPI + Beanie", "create", "taskmgr", "modern", 0.8),
    _target("change of status, to the floor's transaction", "status", "taskmgr", "floor", 1.45),
    _target("change of status, to FastAPI + Beanie", "status", "taskmgr", "modern", 0.8),
)


def growth_targets(smallest: str, largest: str) -> Sequence[Target]:
    """Returns the targets for the growth from the smallest to the largest size."""
    return (
        _target(f"list of 50, {largest} to {smallest} tasks", "list", largest, smallest, 1.3),
        _target(f"one task, {largest} to {smallest} tasks", "one", largest, smallest, 1.3),
        _target(f"users with tasks, {largest} to {smallest} tasks", "users", largest, smallest, 1.3),
        Target(
            text=f"page 1,000 to page 1, {largest} tasks",
            figure=("page_1000", largest),
            against=("page_1", largest),
            max_ratio=1.1,
        ),
    )


def judge(targets: Sequence[Target], table: Table) -> list[Verdict]:
    """Returns a verdict for each target, in the same order."""
    return [Verdict(target=target, ratio=_ratio(target, table)) for target in targets]


def _ratio(target: Target, table: Table) -> float | None:
    figure, against = (table.get(call, {}).get(column) for call, column in (target.figure, target.against))
    if figure is None or against is None or not against.cpu:
        return None
    return figure.cpu / against.cpu
