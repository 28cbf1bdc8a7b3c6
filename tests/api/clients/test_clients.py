"""Generated clients: made, compiled under the strictest rules, and run against a real service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.clients import tools

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).with_name("programs")
# The generator's own file, the same for every document: it hands `object` on to httpx.
MYPY = """
[mypy]
strict = true
[mypy-taskmgr_client.client]
disable_error_code = arg-type
"""


def run(*words: str | Path, place: Path, access: dict[str, str] | None = None) -> str:
    """What a program says, which must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=place,
        env=os.environ | {"PATH": path} | (access or {}),
        capture_output=True,
        text=True,
        timeout=600,  # only for a program that hangs: type checking takes minutes on a busy machine
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_typescript_client_compiles_and_works(
    node: Path, document: Path, access: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(PROGRAMS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(node / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    made = tools.run("openapi-typescript", document, "-o", tmp_path / "api.d.ts")
    assert made.returncode == 0, made.stderr

    compiled = tools.run("tsc", "--project", tmp_path)

    assert compiled.returncode == 0, compiled.stdout
    assert run("node", "out/client.js", place=tmp_path, access=access) == "done\n"
    assert "unknown" not in (tmp_path / "api.d.ts").read_text().partition("due_date")[2].split(";")[0]


def test_a_python_client_is_typed_and_works(document: Path, access: dict[str, str], tmp_path: Path) -> None:
    shutil.copy(PROGRAMS / "client.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    made = ["--path", document, "--meta", "none", "--output-path", "taskmgr_client", "--fail-on-warning"]
    run("openapi-python-client", "generate", *made, place=tmp_path)

    run(sys.executable, "-m", "mypy", "taskmgr_client", "client.py", place=tmp_path)

    assert run(sys.executable, "client.py", place=tmp_path, access=access) == "done\n"
    inline = {file.stem for file in (tmp_path / "taskmgr_client" / "models").glob("*type_*")}
    assert inline == set()
