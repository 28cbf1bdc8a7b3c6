"""A fresh clone installs from the lock files, whatever has been published since they were written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.install.wheels import make_wheel
from tests.needed import IN_CI

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-otel.txt",
    "benchmarks/requirements.txt",
    "web/requirements.txt",
)
# Debian 12 ships the older one.
PIPS = ("pip==23.0.1", "pip")


def recipe(*goals: str) -> list[str]:
    """Returns the commands that `make` would run for these goals in a fresh clone."""
    printed = subprocess.run(
        ["make", "--always-make", "--dry-run", *goals], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in printed.stdout.splitlines() if not line.startswith("echo")]


@pytest.fixture(params=PIPS)
def python(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The Python of an empty environment that has one particular pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    found = tmp_path / ".venv" / "bin" / "python"
    # Our own pip installs it there, because bootstrapping another pip first takes seconds.
    pip = [sys.executable, "-m", "pip", "--python", found, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--retries", "1", "install", request.param], capture_output=True, text=True)
    if done.returncode:
        report = pytest.fail if IN_CI else pytest.skip
        report(f"{request.param} cannot be installed from the package index: {done.stderr.strip()[-300:]}")
    return found


def test_a_newer_release_of_a_locked_package_with_extras_does_not_disturb(
    python: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    tool = make_wheel(index, "atool", "1.0", "Requires-Dist: alibrary[extra]>=1.0")
    library = make_wheel(index, "alibrary", "1.0", "Provides-Extra: extra")
    make_wheel(index, "alibrary", "2.0", "Provides-Extra: extra")
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"alibrary==1.0 --hash=sha256:{library}\natool==1.0 --hash=sha256:{tool}\n")

    (command,) = (line for line in recipe(".venv/installed") if line.endswith(" requirements.txt"))
    subprocess.run(shlex.split(command), cwd=tmp_path, env=only_from(index), check=True)

    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    assert {"alibrary==1.0", "atool==1.0"} <= set(listed.stdout.split())


def only_from(index: Path) -> dict[str, str]:
    """Returns an environment in which pip knows this folder alone, whatever the machine has configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}


def test_no_command_of_the_makefile_lets_pip_resolve_anything() -> None:
    installing = [line for line in recipe("install", "test", "bench", "lock") if " install " in line]

    assert len(installing) == 5
    assert all("--no-deps" in line for line in installing)
    # What no lock file names is named with its version, or built from what is installed already.
    for line in installing:
        assert re.search(r"--require-hashes|--no-build-isolation| \w+==[\d.]+", line)


@pytest.mark.parametrize("goal", ["install", "test", "bench"])
def test_what_has_been_installed_is_checked_for_completeness(goal: str) -> None:
    commands = recipe(goal)
    installing = [place for place, line in enumerate(commands) if " install " in line]
    checking = [place for place, line in enumerate(commands) if " -m pip check" in line]

    assert checking
    assert checking[-1] > installing[-1]


def test_the_build_backend_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for requirement in project["build-system"]["requires"]:
        (name,) = re.findall(r"^[\w-]+", requirement)
        for lock in LOCKS[:2]:
            assert re.search(rf"^{name}==", (ROOT / lock).read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_has_exact_versions_with_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    entries = re.findall(r"^(?:[^\s#].*\\\n)(?:    .*\n?)+", text, re.MULTILINE)

    assert entries
    assert all(re.match(r"[\w.-]+==\S+( ; .+)? \\\n", entry) for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", ""), re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements-dev.txt", "requirements-otel.txt"])
def test_the_same_versions_are_locked_wherever_the_service_is_installed(lock: str) -> None:
    service, more = (
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", lock)
    )

    assert service - more == set()


def test_the_lock_file_of_the_dashboard_names_no_host() -> None:
    """npm adds links for donations to it, which are to be removed."""
    assert "://" not in (ROOT / "web" / "package-lock.json").read_text("utf-8")
