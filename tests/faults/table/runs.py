"""Strikes a stage with its faults, one after the other, and judges each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.faults.table import oracle
from tests.faults.table.faults import FAULTS, Fault
from tests.faults.table.load import Load
from tests.faults.table.stages import STAGES, Stage


@dataclass
class Row:
    """What came of a fault; `findings` is empty if all is well."""

    fault: Fault
    load: Load
    times: int = 0
    lost: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.fault.kills * self.times

    def cells(self) -> tuple[str, ...]:
        load = self.load
        answers = ", ".join(f"{name} {number}" for name, number in sorted(load.answers.items()))
        numbers = (self.times, self.kills, len(load.acknowledged), self.lost)
        seconds = (load.longest_gap, load.longest_doubt)
        return (
            self.fault.name, self.fault.stage, *map(str, numbers), answers, *(f"{s:.1f}" for s in seconds)
        )  # fmt: skip


HEADS = (
    "fault",
    "stage",
    "times",
    "kills",
    "acknowledged",
    "lost",
    "answers",
    "longest gap (s)",
    "longest doubt (s)",
)


def run_stage(name: str, *, quick: bool) -> Iterator[Row]:
    """Yields the row of each fault of a stage.

    If `quick`, each happens once, some are left out, and the stage is judged only once, at the end. Raises
    `CannotStage`.
    """
    rows = list[Row]()
    with STAGES[name]() as stage:
        for fault in FAULTS:
            if fault.stage == name and (fault.quick or not quick):
                rows.append(_strike(fault, stage, 1 if quick else fault.times))
                if not quick:
                    yield _judge(stage, rows[-1:])
        if quick:
            _judge(stage, rows)
            yield from rows


def _strike(fault: Fault, stage: Stage, times: int) -> Row:
    with Load(stage.address) as load:
        row = Row(fault, load)
        try:
            assert load.has_written(), "no writes before the fault"
            for _ in range(times):
                fault.strike(stage, load)
                row.times += 1
                assert load.has_written(), "no writes after the fault"
        except AssertionError as error:
            row.findings.append(str(error) or repr(error))
    return row


def _judge(stage: Stage, rows: Sequence[Row]) -> Row:
    """Completes the rows, and returns the last one, which gets the findings about the whole stage."""
    for row in rows:
        lost = oracle.lost_writes(stage.database, row.load)
        row.lost = len(lost)
        row.findings += [f"lost: {write}" for write in lost]
    rows[-1].findings += oracle.findings(stage, [row.load for row in rows])
    return rows[-1]


def load_average() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
