"""Dependencies: no release with a known vulnerability, and one place that calls other machines."""

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
CLIENTS = {
    "aiohttp", "asyncio", "dns", "ftplib", "httpx", "imaplib", "nntplib", "poplib", "requests", "smtplib",
    "socketserver", "telnetlib", "urllib3",
}  # fmt: skip
CONNECTING = {"http.client", "urllib.request", "xmlrpc.client", "socket", "_socket", "gevent.socket"}


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


def test_only_one_package_opens_connections_to_other_machines() -> None:
    """Apart from the database's driver."""
    outside = ROOT / "taskmgr" / "infrastructure" / "outside"
    found = {
        str(file.relative_to(ROOT)): names
        for file in sorted((ROOT / "taskmgr").rglob("*.py"))
        if outside not in file.parents and (names := _connecting(file))
    }

    assert found == {
        # The connections of clients, the embedded database's socket file, and the service's own sockets.
        "taskmgr/api/events/connection.py": {"socket"},
        "taskmgr/api/events/minder.py": {"socket"},
        "taskmgr/infrastructure/embedded/mongod.py": {"socket"},
        "taskmgr/infrastructure/embedded/wire.py": {"socket"},
        "taskmgr/metrics/listener.py": {"socket", "socketserver", "socketserver.ThreadingMixIn"},
        "taskmgr/server/application.py": {"socket"},
        "taskmgr/server/background_child.py": {"socket"},
        "taskmgr/server/listener.py": {"socket"},
        "taskmgr/server/startup.py": {"socket"},
    }
    assert all(_connecting(file) for file in (outside / "client.py", outside / "resolver.py"))


def test_the_embedded_database_is_reached_by_a_unix_socket() -> None:
    for name in ("mongod.py", "wire.py"):
        text = (ROOT / "taskmgr" / "infrastructure" / "embedded" / name).read_text("utf-8")

        assert re.findall(r"socket\.(AF_\w+|create_connection)", text) == ["AF_UNIX"]


def _connecting(file: Path) -> set[str]:
    """Returns the modules of a file's imports that open connections."""
    names = {name for node in ast.walk(ast.parse(file.read_text("utf-8"))) for name in _names(node)}
    return {name for name in names if name in CONNECTING or name.partition(".")[0] in CLIENTS}


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or not node.module:
        return []
    return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
