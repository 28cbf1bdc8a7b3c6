"""Compares docs/operations.md and the files in `deploy/` with the metrics of the service."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from taskmgr.metrics import instruments
from tests.docs.markdown import ROOT, code, headings, read, section, table
from tests.needed import needs

PAGE = "docs/operations.md"
ALERTS = "deploy/prometheus/alerts.yml"
DASHBOARD = "deploy/grafana/taskmgr.json"
_METRIC = re.compile(r"\btaskmgr_[a-z_]+")
_SUFFIXES = re.compile(r"_(bucket|count|sum)$")


def metrics() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The type and the labels of each metric, by the name that Prometheus sees."""
    found = [value for value in vars(instruments).values() if isinstance(value, MetricWrapperBase)]
    return {
        metric._name + ("_total" if metric._type == "counter" else ""): (metric._type, metric._labelnames)
        for metric in found
        if not metric._labelvalues
    }


def test_the_table_has_every_metric_with_its_type_and_labels() -> None:
    rows = table(section(read(PAGE), "Metrics"))

    assert {code(row[0])[0]: (row[1], tuple(code(row[2]))) for row in rows} == metrics()


@pytest.mark.parametrize("file", [ALERTS, DASHBOARD])
def test_every_metric_that_a_file_names_exists(file: str) -> None:
    named = {_SUFFIXES.sub("", name) for name in _METRIC.findall(read(file))}

    assert named
    assert named <= metrics().keys()


def test_the_page_says_what_to_do_about_each_alert() -> None:
    alerts = re.findall(r"- alert: (\w+)", read(ALERTS))

    assert [name for name in headings(read(PAGE)) if name.startswith("Taskmgr")] == alerts


def test_every_panel_of_the_dashboard_has_a_query_and_its_own_place() -> None:
    panels: list[dict[str, Any]] = json.loads(read(DASHBOARD))["panels"]

    assert all(target["expr"] for panel in panels for target in panel["targets"])
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)


@needs("promtool", "prometheus")
def test_prometheus_accepts_the_alert_rules() -> None:
    checked = subprocess.run(["promtool", "check", "rules", ROOT / ALERTS], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs("promtool", "prometheus")
@pytest.mark.parametrize(
    "query", [t["expr"] for p in json.loads(read(DASHBOARD))["panels"] for t in p["targets"]]
)
def test_prometheus_can_parse_the_queries_of_the_dashboard(query: str, tmp_path: Any) -> None:
    rules = tmp_path / "rules.yml"
    expression = json.dumps(query.replace("$__rate_interval", "5m"))
    rules.write_text(f"groups: [{{name: panels, rules: [{{record: a:b, expr: {expression}}}]}}]")
    checked = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
