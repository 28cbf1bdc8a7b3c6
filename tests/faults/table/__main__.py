"""Runs the whole table of faults and prints it: `make test-faults`.

Arguments are the stages to run, by default all.
"""

from __future__ import annotations

import sys
import time

from tests.faults.table.runs import HEADS, Row, load_average, run_stage
from tests.faults.table.stages import STAGES, CannotStage


def main(stages: list[str]) -> int:
    """Returns the exit status: 1 if anything is wrong."""
    rows, skipped = list[Row](), list[str]()
    begun = time.monotonic()
    for name in stages or STAGES:
        try:
            for row in run_stage(name, quick=False):
                print(
                    f"{time.monotonic() - begun:.0f} s: {' | '.join(row.cells())}", *row.findings, sep="\n  "
                )
                sys.stdout.flush()
                rows.append(row)
        except CannotStage as reason:
            skipped.append(f"Skipped {name}: {reason}")
    print("", *_table([HEADS, *(row.cells() for row in rows)]), *skipped, _summary(rows, begun), sep="\n")
    return int(any(row.findings for row in rows))


def _table(lines: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _summary(rows: list[Row], begun: float) -> str:
    kills, lost = sum(row.kills for row in rows), sum(row.lost for row in rows)
    writes, findings = sum(len(row.load.acknowledged) for row in rows), sum(len(row.findings) for row in rows)
    return (
        f"{kills} kills, {writes} writes acknowledged, {lost} lost, {findings} findings, "
        f"in {(time.monotonic() - begun) / 60:.0f} minutes; load average {load_average()}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
