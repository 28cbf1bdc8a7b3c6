"""The arithmetic of the benchmarks, and that their data are in the form that the service stores."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from itertools import islice
from xml.etree import ElementTree

import pytest

from benchmarks import data, results, tables
from benchmarks.load import Job, Measurement, cpu_seconds
from benchmarks.measure import Figures, figures, median
from benchmarks.picture import Group, bars
from benchmarks.targets import COMPARISON_TARGETS, judge

COLUMNS = {"floor": "the floor", "modern": "FastAPI", "taskmgr": "ours"}
LABELS = {"list": "list of 50", "one": "one task"}


def costing(cpu: float) -> Figures:
    return Figures(
        cpu=cpu, background_cpu=0.0, mongod_cpu=1.0, rate=100.0, median_wait=2.0, p99_wait=9.0, requests=500
    )


TABLE = {
    "list": {"floor": costing(2.0), "modern": costing(8.0), "taskmgr": costing(2.0)},
    "one": {"floor": costing(1.0), "taskmgr": costing(2.0)},
}


def test_cpu_per_request_is_the_cpu_time_divided_by_the_number_of_requests() -> None:
    waits = [n / 1000 for n in range(1, 201)]
    cpu = {"service": 0.5, "background": 0.2, "mongod": 0.1}
    result = figures(Measurement({"200": 150, "304": 50}, 2.0, cpu, waits))

    assert (result.cpu, result.background_cpu, result.mongod_cpu) == pytest.approx((1.5, 1.0, 0.5))
    assert result.rate == pytest.approx(100)
    assert (result.median_wait, result.p99_wait) == pytest.approx((100.5, 198))


def test_the_median_of_the_rounds_comes_with_their_spread() -> None:
    result = median(costing(cpu) for cpu in (2.0, 9.0, 1.0))

    assert (result.cpu, result.requests, result.spread) == (2.0, 1500, 4.0)


def test_targets_are_judged_by_the_ratio_and_a_missing_figure_meets_none() -> None:
    result = {
        verdict.target.text: (verdict.ratio, verdict.text) for verdict in judge(COMPARISON_TARGETS, TABLE)
    }

    assert result["list of 50, to the floor"] == (1.0, "met")
    assert result["one task, to the floor"] == (2.0, "missed by 60 %")
    assert result["one task, to FastAPI + Beanie"] == (None, "not measured")


def test_tables_have_a_dash_where_nothing_was_measured() -> None:
    assert tables.ratios(TABLE, LABELS, COLUMNS, base="floor").splitlines() == [
        "|            | the floor | FastAPI | ours |",
        "| ---------- | --------: | ------: | ---: |",
        "| list of 50 |      1.00 |    4.00 | 1.00 |",
        "| one task   |      1.00 |       – | 2.00 |",
    ]


def test_the_picture_is_svg_with_a_bar_for_every_figure() -> None:
    groups = [
        Group(LABELS[call], {name: one.cpu for name, one in row.items()}) for call, row in TABLE.items()
    ]
    svg = ElementTree.fromstring(bars("CPU <ms>", COLUMNS, groups))  # noqa: S314 - it is ours
    widths = [float(bar.get("width", 0)) for bar in svg.iter("{http://www.w3.org/2000/svg}rect")]

    assert len(widths) == len(COLUMNS) + 5
    assert max(widths) == widths[len(COLUMNS) + 1] == widths[-1]  # each call has a scale of its own


def test_a_report_replaces_the_text_between_its_marks() -> None:
    page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb"

    assert results.between_marks(page, "x", r"n\1w") == "a\n<!-- x: begin -->\nn\\1w\n<!-- x: end -->\nb"
    with pytest.raises(ValueError, match="no place"):
        results.between_marks(page, "y", "new")


def test_a_job_can_be_restored_from_its_json() -> None:
    job = Job(port=80, requests=[[b"GET / HTTP/1.1\r\n\r\n"]], groups={"service": 1}, seconds=1.0)

    assert Job.from_json(job.to_json()) == job


def test_the_cpu_time_of_a_process_never_decreases() -> None:
    assert 0 < cpu_seconds(os.getpid()) <= cpu_seconds(os.getpid())


def test_the_data_are_in_the_form_that_the_service_stores() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)

    data.require_stored_form(list(islice(data.task_rows(1_000, now), 200)), list(data.user_rows(3, now)))
