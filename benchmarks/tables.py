"""The figures as tables, in Markdown that reads well on a terminal, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.measure import Figures, Table
from benchmarks.targets import Verdict

Names = Mapping[str, str]
_NONE = "–"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns stand one below the other; all but the first to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def told(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(widths[0]) if not i else cell.rjust(widths[i]) for i, cell in enumerate(cells)
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([told(lines[0]), told(rule), *map(told, lines[1:])])


def figures(table: Table, calls: Names, columns: Names, one: Callable[[Figures], str]) -> str:
    """A figure of each call in each column."""
    rows = [
        [label, *(one(table[call][column]) if column in table[call] else _NONE for column in columns)]
        for call, label in calls.items()
        if call in table
    ]
    return grid(["", *columns.values()], rows)


def ratios(table: Table, calls: Names, columns: Names, *, base: str) -> str:
    """The CPU time of each column as a multiple of one column's."""

    def told(call: str, column: str) -> str:
        if column not in table[call] or base not in table[call]:
            return _NONE
        return f"{table[call][column].cpu / table[call][base].cpu:.2f}"

    rows = [[label, *(told(call, c) for c in columns)] for call, label in calls.items() if call in table]
    return grid(["", *columns.values()], rows)


def verdicts(found: Sequence[Verdict]) -> str:
    rows = [
        [
            verdict.target.text,
            f"{verdict.target.most:.1f}",
            _NONE if verdict.ratio is None else f"{verdict.ratio:.2f}",
            verdict.text,
        ]
        for verdict in found
    ]
    return grid(["CPU a request", "at most", "is", ""], rows)


def cpu(found: Figures) -> str:
    return f"{found.cpu:.2f}"


def cpu_and_spread(found: Figures) -> str:
    return f"{found.cpu:.2f} ± {50 * found.spread:.0f} %"


def mongod_cpu(found: Figures) -> str:
    return f"{found.mongod_cpu:.2f}"


def rate(found: Figures) -> str:
    return f"{found.rate:.0f}"


def waits(found: Figures) -> str:
    return f"{found.median_wait:.1f} / {found.p99_wait:.1f}"
