"""Formats the figures as Markdown tables, aligned so that they are readable in a terminal too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.measure import Figures, Table
from benchmarks.targets import Verdict

Names = Mapping[str, str]
_MISSING = "–"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns an aligned Markdown table: the first column to the left, the others to the right."""
    all_rows = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(widths[0]) if not i else cell.rjust(widths[i]) for i, cell in enumerate(cells)
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(all_rows[0]), line(rule), *map(line, all_rows[1:])])


def figures(table: Table, calls: Names, columns: Names, cell: Callable[[Figures], str]) -> str:
    """Returns a table with a row for each measured call; `cell` formats the figures."""
    rows = [
        [label, *(cell(table[call][column]) if column in table[call] else _MISSING for column in columns)]
        for call, label in calls.items()
        if call in table
    ]
    return grid(["", *columns.values()], rows)


def ratios(table: Table, calls: Names, columns: Names, *, base: str) -> str:
    """Returns a table of CPU times as multiples of the CPU time in the column `base`."""

    def cell(call: str, column: str) -> str:
        if column not in table[call] or base not in table[call]:
            return _MISSING
        return f"{table[call][column].cpu / table[call][base].cpu:.2f}"

    rows = [[label, *(cell(call, c) for c in columns)] for call, label in calls.items() if call in table]
    return grid(["", *columns.values()], rows)


def verdicts(judged: Sequence[Verdict]) -> str:
    rows = [
        [
            verdict.target.text,
            f"{verdict.target.max_ratio:.2f}",
            _MISSING if verdict.ratio is None else f"{verdict.ratio:.2f}",
            verdict.text,
        ]
        for verdict in judged
    ]
    return grid(["CPU per request, ratio", "at most", "measured", ""], rows)


def cpu(measured: Figures) -> str:
    return f"{measured.cpu:.2f}"


def cpu_and_spread(measured: Figures) -> str:
    return f"{measured.cpu:.2f} ± {50 * measured.spread:.0f} %"


def background_cpu(measured: Figures) -> str:
    return f"{measured.background_cpu:.2f}"


def mongod_cpu(measured: Figures) -> str:
    return f"{measured.mongod_cpu:.2f}"


def rate(measured: Figures) -> str:
    return f"{measured.rate:.0f}"


def waits(measured: Figures) -> str:
    return f"{measured.median_wait:.1f} / {measured.p99_wait:.1f}"
