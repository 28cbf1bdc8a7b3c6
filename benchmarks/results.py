"""Saves the results of a run in build/benchmarks or the docs, and defines the options of both benchmarks."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import Table
from benchmarks.servers import ROOT

_PAGE = ROOT / "docs" / "performance.md"
_IN_DOCS = ROOT / "docs" / "performance"
_OUT = ROOT / "build" / "benchmarks"


def parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser with the options that both benchmarks share."""
    options = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    options.add_argument(
        "--rounds", type=int, default=5, help="number of rounds; the medians are reported (5)"
    )
    options.add_argument("--seconds", type=float, default=1.0, help="duration of each measurement (1.0)")
    options.add_argument("--connections", type=int, default=4, help="number of connections of the client (4)")
    options.add_argument("--only", metavar="CALLS", help="comma-separated calls, such as list,one")
    options.add_argument(
        "--data", type=Path, metavar="FOLDER", help="keep the databases here for the next run"
    )
    options.add_argument("--docs", action="store_true", help="write the figures into docs/performance.md")
    return options


@contextmanager
def data_folder(chosen: Path | None) -> Iterator[Path]:
    """Yields the chosen folder, or a temporary one with a path short enough for the socket inside it."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    temporary = Path(tempfile.mkdtemp(prefix="tm-bench-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def machine() -> str:
    """Returns the processor and the Python version of this machine."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}"


def save(name: str, report: str, picture: str, table: Table, *, run: Mapping[str, Any], docs: bool) -> None:
    """Writes the figures as JSON and SVG; with `docs`, also writes the report into docs/performance.md."""
    folder = _IN_DOCS if docs else _OUT
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        call: {column: asdict(figures) for column, figures in row.items()} for call, row in table.items()
    }
    text = json.dumps({**run, "machine": machine(), "figures": values}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", "utf-8")
    (folder / f"{name}.svg").write_text(picture, "utf-8")
    if docs:
        _PAGE.write_text(between_marks(_PAGE.read_text("utf-8"), name, report), "utf-8")
    print(f"\nWrote {folder.relative_to(ROOT)}/{name}.json, {name}.svg")


def between_marks(page: str, name: str, report: str) -> str:
    """Returns the page with the report between the marks of that name. Raises `ValueError` if it has none."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"The page has no place for the report: {begin} is missing.")
    return pattern.sub(lambda _: f"{begin}\n{report}\n{end}", page)
