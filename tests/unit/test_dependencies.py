"""Dependencies: no release with a known vulnerability, and no client for other services."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The first releases without known vulnerabilities.
FLOORS = {
    "flask": (3, 1, 3),
    "gunicorn": (27,),
    "marshmallow": (4, 1, 2),
    "pymongo": (4, 18, 2),
    "werkzeug": (3, 0, 6),
}
CLIENTS = {"aiohttp", "http", "httpx", "requests", "smtplib", "urllib3", "ftplib"}


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


@pytest.mark.parametrize("name", FLOORS)
def test_no_vulnerable_release_is_allowed(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (requirement,) = (line for line in project["dependencies"] if re.match(rf"{name}[>=]", line))

    assert version(re.findall(r">=([0-9.]+)", requirement)[0]) >= FLOORS[name]


@pytest.mark.parametrize("name", FLOORS)
def test_no_locked_release_has_a_known_vulnerability(name: str) -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        for locked in re.findall(rf"^{name}==([0-9.]+)", (ROOT / file).read_text("utf-8"), re.MULTILINE):
            assert version(locked) >= FLOORS[name]


def test_the_service_has_no_client_for_other_services() -> None:
    imported = {
        name
        for file in (ROOT / "taskmgr").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        for name in _names(node)
    }

    assert "urllib.request" not in imported
    # `http` alone has only the names of statuses.
    assert {name.partition(".")[0] for name in imported - {"http"}} & CLIENTS == set()


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
