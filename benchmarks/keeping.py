"""Where the figures of a run are kept: a folder of one's own, or the docs."""

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
    """The options that both benchmarks have."""
    options = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    options.add_argument("--rounds", type=int, default=5, help="of which the medians are told (5)")
    options.add_argument("--seconds", type=float, default=1.0, help="that a call is measured a round (1.0)")
    options.add_argument("--connections", type=int, default=4, help="that the client keeps (4)")
    options.add_argument("--only", metavar="CALLS", help="a comma list of calls, such as list,one")
    options.add_argument("--data", type=Path, metavar="FOLDER", help="keep the databases for another run")
    options.add_argument("--docs", action="store_true", help="put the figures into docs/performance.md")
    return options


@contextmanager
def data_folder(given: Path | None) -> Iterator[Path]:
    """The one given, or one that is gone afterwards, with a short path because a socket lies in it."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    made = Path(tempfile.mkdtemp(prefix="tm-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def machine() -> str:
    """What the figures were measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}"


def keep(name: str, report: str, picture: str, table: Table, *, run: Mapping[str, Any], docs: bool) -> None:
    """Writes the report, the picture and the figures; into the page between its marks, if asked."""
    folder = _IN_DOCS if docs else _OUT
    folder.mkdir(parents=True, exist_ok=True)
    figures = {call: {column: asdict(one) for column, one in row.items()} for call, row in table.items()}
    text = json.dumps({**run, "machine": machine(), "figures": figures}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", "utf-8")
    (folder / f"{name}.svg").write_text(picture, "utf-8")
    if docs:
        _PAGE.write_text(between_marks(_PAGE.read_text("utf-8"), name, report), "utf-8")
    print(f"\nThe figures and the picture: {folder.relative_to(ROOT)}/{name}.json, {name}.svg")


def between_marks(page: str, name: str, report: str) -> str:
    """The page with another report between its marks of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"The page has no place for the report: {begin}")
    return pattern.sub(lambda _: f"{begin}\n{report}\n{end}", page)
