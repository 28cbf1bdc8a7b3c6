"""A fast selection of `make test-faults`: each fault strikes once, and nothing acknowledged is lost."""

from __future__ import annotations

import pytest

from tests.faults.table.runs import run_stage
from tests.faults.table.stages import STAGES, CannotStage


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_nothing_acknowledged_is_lost_and_the_service_recovers(stage: str) -> None:
    try:
        rows = list(run_stage(stage, quick=True))
    except CannotStage as reason:
        pytest.skip(str(reason))

    assert all(row.times and row.load.acknowledged for row in rows)
    assert {row.fault.name: row.findings for row in rows if row.findings} == {}
