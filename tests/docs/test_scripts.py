"""The scripts that the docs show, run as they stand."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
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


def test_the_table_of_commands_names_what_there_is(services: Services) -> None:
    for service, *methods in table(section(read(PAGE), "Commands")):
        found = getattr(services, code(service)[0].removeprefix("services."))
        named = {name for cell in methods for name in code(cell)}
        assert named <= set(dir(found))
        # What only the API has a use for.
        rest = {name for name in dir(type(found)) if not name.startswith("_")}
        rest -= {name for name in rest if name.endswith(("_record", "_records"))}
        rest -= {"store", "policy", "journal", "clock", "new_id", "credentials", "tasks", "identify"}
        assert named == rest


def test_the_page_lists_the_names_of_the_package() -> None:
    told = {name for row in table(section(read(PAGE), "Names and types")) for name in code(row[0])}
    errors = {name for name in code(section(read(PAGE), "Refusals")) if name in taskmgr.__all__}
    errors |= {name for name in code(section(read(PAGE), "Many tasks")) if name in taskmgr.__all__}

    assert told | errors | {"__version__"} == {*taskmgr.__all__}


# --- the import


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder of its own, with a database that runs for as long as the tests do."""
    with TemporaryDirectory(prefix="tm-") as name, EmbeddedDatabase(Path(name), cache_gib=0.25):
        yield Path(name)


@pytest.fixture(scope="module")
def settings(folder: Path) -> Settings:
    found = {"DATA_DIR": str(folder)}
    for name in TEAM:
        assert run_here(found, "users", "add", name).status == 0
    return found


def test_the_import_brings_in_what_the_page_says(settings: Settings) -> None:
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
    """What every row says that can be imported, character for character but for the blanks around."""
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
