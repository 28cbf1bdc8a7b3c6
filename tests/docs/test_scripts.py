"""Runs the scripts of the pages and compares their tables with the code."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import taskmgr
from taskmgr import settings as taskmgr_settings
from taskmgr.bootstrap import open_services
from taskmgr.domain.services import Services
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase
from tests.docs.markdown import DOCS, blocks, code, read, section, table
from tests.running import PATIENCE, Settings, environment, run_here

PAGE = "docs/scripting.md"
EXAMPLES = DOCS / "examples"
TEAM = ("amira", "jonas", "priya", "luca", "nora", "ci-bot")


def test_the_table_of_commands_lists_the_methods_of_the_services(services: Services) -> None:
    for service, *cells in table(section(read(PAGE), "Commands")):
        service_object = getattr(services, code(service)[0].removeprefix("services."))
        named = {name for cell in cells for name in code(cell)}
        assert named <= set(dir(service_object))
        methods = {name for name in dir(type(service_object)) if not name.startswith("_")}
        methods -= {field.name for field in fields(service_object)}
        # Methods that only the API uses.
        methods -= {name for name in methods if name.endswith(("_record", "_records"))} | {
            "identify",
            "find_changed",
        }
        assert named == methods


def test_the_page_lists_the_names_of_the_package() -> None:
    documented = {name for row in table(section(read(PAGE), "Names and types")) for name in code(row[0])}
    errors = {name for name in code(section(read(PAGE), "Refusals")) if name in taskmgr.__all__}
    errors |= {name for name in code(section(read(PAGE), "Many tasks")) if name in taskmgr.__all__}

    assert documented | errors | {"__version__"} == {*taskmgr.__all__}


# --- the import


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Yields a data folder whose database runs until the tests have finished."""
    with TemporaryDirectory(prefix="tm-") as name, EmbeddedDatabase(Path(name), cache_gib=0.25):
        yield Path(name)


@pytest.fixture(scope="module")
def settings(folder: Path) -> Settings:
    variables = {"DATA_DIR": str(folder)}
    for name in TEAM:
        assert run_here(variables, "users", "add", name).status == 0
    return variables


def test_the_import_does_what_the_page_says(settings: Settings) -> None:
    checked = _import(settings, "--check")
    done = _import(settings)
    summary, complaints = (b.text for b in blocks(section(read(PAGE), "A complete script"), "text"))

    assert (done.returncode, done.stdout) == (1, summary)
    assert all(line in done.stderr for line in complaints.splitlines())
    assert checked.stdout.splitlines()[0] == done.stdout.splitlines()[0]
    assert "319 tasks, 6 users; up to date" in run_here(settings, "db", "status").out
    assert _titles_in(Path(settings["DATA_DIR"])) == _titles_of_the_file()


def _titles_in(folder: Path) -> list[str]:
    with open_services(taskmgr_settings.Settings(data_dir=folder)) as services:
        return sorted(task.title for task in services.tasks.iterate(by=services.system("tests")))


def _titles_of_the_file() -> list[str]:
    """Returns the titles of all rows that can be imported, without surrounding blanks."""
    left_out = ("Water the plants", "Send the year-end letters", "Stop the double charges")
    with (EXAMPLES / "tasks.csv").open(encoding="utf-8", newline="") as file:
        titles = [row["title"].strip() for row in csv.DictReader(file)]
    return sorted(t for t in titles if t not in left_out and len(t) <= 200 and t != "\u200b")


def _import(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / "import_tasks.py", EXAMPLES / "tasks.csv", *words],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE,
    )
