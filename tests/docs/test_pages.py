"""Follows every page in a fresh clone, running its blocks in order."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.docs.answers import assert_shown
from tests.docs.clone import bare_environment, fresh_clone, share_environment
from tests.docs.markdown import PAGES, ROOT, blocks, read
from tests.docs.session import Shell, Step, shell, steps
from tests.needed import IN_CI

NAMES = [str(page.relative_to(ROOT)) for page in (*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")]
FOLLOWED = [name for name in NAMES if any(step.is_run for step in steps(read(name)))]


@pytest.mark.parametrize("page", FOLLOWED)
def test_the_blocks_of_a_page_work_in_their_order(page: str) -> None:
    with fresh_clone() as clone:
        share_environment(clone)
        with shell(clone, bare_environment(clone.parent / "home")) as terminal:
            for step in steps(read(page)):
                if step.is_run:
                    _run(page, step, terminal)


def _run(page: str, step: Step, terminal: Shell) -> None:
    outcome = terminal.run(step)
    where = f"block {step.block.number + 1} of {page}:\n{step.block.text}\n{outcome.out}\n{outcome.err}"
    assert outcome.status == step.exit_status, where
    if "curl" in step.block.text:
        assert outcome.http_status == step.http_status or (
            not step.http_status and outcome.http_status < 300
        ), where
    if step.shown is None:
        return
    if step.shown.language == "json":
        assert_shown(page, step.shown, json.loads(outcome.out))
    else:
        printed = (outcome.out + outcome.err).splitlines()
        assert [line for line in step.shown.text.splitlines() if line not in printed] == [], where


@pytest.mark.parametrize("page", NAMES)
def test_every_block_has_a_known_language(page: str) -> None:
    """A block without a language would not be run."""
    unknown = [block for block in blocks(read(page)) if block.language not in _LANGUAGES]

    assert unknown == []


_LANGUAGES = ("sh", "python", "json", "text", "toml", "ini", "mermaid", "http", "yaml")


@pytest.mark.slow
def test_a_fresh_clone_installs_itself() -> None:
    with fresh_clone() as clone:
        environment = bare_environment(clone.parent / "home")
        done = subprocess.run(["make", "install"], cwd=clone, env=environment, capture_output=True, text=True)
        if done.returncode and not IN_CI and "index" in done.stderr:
            pytest.skip(f"the package index cannot be reached: {done.stderr.strip()[-300:]}")
        assert done.returncode == 0, done.stdout + done.stderr

        said = subprocess.run(
            [".venv/bin/taskmgr", "--version"], cwd=clone, env=environment, capture_output=True, text=True
        )
        assert said.returncode == 0, said.stderr
        python = clone / ".venv" / "bin" / "python"
        module = subprocess.run(
            [python, "-c", "import taskmgr; print(taskmgr.__file__)"],
            cwd=environment["HOME"],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert Path(module.stdout.strip()).is_relative_to(clone.resolve())
