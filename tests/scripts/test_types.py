"""A type checker sees the installed package as a script's author does."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import taskmgr
from taskmgr.domain.model import commands, project, task, token, user
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.services import bulk
from tests.docs.markdown import DOCS, blocks, read

HERE = Path(__file__).parent


def complaints(folder: Path) -> str:
    """Returns what `mypy --strict` says of the scripts in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *sorted(folder.glob("*.py"))],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_scripts_that_are_right_have_no_complaint(tmp_path: Path) -> None:
    for script in (HERE / "good.py", *(DOCS / "examples").glob("*.py")):
        shutil.copy(script, tmp_path)
    for page in ("README.md", "docs/scripting.md"):
        for block in blocks(read(page), "python"):
            (tmp_path / f"{Path(page).stem}_block_{block.number + 1}.py").write_text(block.text, "utf-8")

    assert complaints(tmp_path).startswith("Success: no issues found")


def test_every_mistake_is_found_on_its_line(tmp_path: Path) -> None:
    text = (HERE / "bad.py").read_text("utf-8").splitlines()
    mistakes = {number for number, line in enumerate(text, start=1) if line.endswith("# mistake")}

    shutil.copy(HERE / "bad.py", tmp_path)
    output = complaints(tmp_path)

    assert {*map(int, re.findall(r"^bad\.py:(\d+): error: ", output, re.MULTILINE))} == mistakes, output


@pytest.mark.parametrize(
    ("declared", "accepted"),
    [
        (commands.NewTask, task.parsers(DEFAULT_POLICY)),
        (commands.TaskChanges, task.change_parsers(DEFAULT_POLICY)),
        (commands.NewUser, {*user.PARSERS} - {"active"}),
        (commands.UserChanges, user.PARSERS),
        (commands.NewTokenFields, token.PARSERS),
        (commands.NewProject, project.NEW_PARSERS),
        (commands.ProjectChanges, project.CHANGE_PARSERS),
    ],
)
def test_what_is_declared_is_what_a_command_accepts(declared: Any, accepted: Any) -> None:
    assert {*get_type_hints(declared)} == {*accepted}


def test_an_operation_declares_what_the_operations_of_a_bulk_take() -> None:
    declared = get_type_hints(commands.Operation)
    taken = {name for kind in bulk.OPERATIONS.values() for name in (*kind.required, *kind.optional)}

    assert {*declared} == taken | {"op"}
    assert {*declared["op"].__args__} == {*bulk.OPERATIONS}


def test_the_package_gives_every_name_that_it_lists() -> None:
    for name in taskmgr.__all__:
        assert getattr(taskmgr, name)
    assert {*taskmgr._HOMES} == {*taskmgr.__all__} - {"__version__", "connect"}
    with pytest.raises(AttributeError):
        _ = taskmgr.Tsak


def test_every_name_comes_from_where_type_checkers_look_for_it() -> None:
    body = ast.parse(Path(taskmgr.__file__).read_text("utf-8")).body
    guarded = next(node for node in body if isinstance(node, ast.If))
    declared = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert declared == taskmgr._HOMES


def test_importing_the_package_imports_no_service() -> None:
    code = "import sys, taskmgr; print(sorted(name for name in sys.modules if name.startswith('taskmgr')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['taskmgr', 'taskmgr.version']"
