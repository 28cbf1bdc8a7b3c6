"""Runs the code blocks of a page in a shell, in the order in which they appear.

An HTML comment above a block, which readers do not see, changes how it is run:

- `<!-- not run: REASON -->`: the block is not run, because it needs something that tests do not have.
- `<!-- keeps running -->`: the block runs in the background until the end of the page.
- `<!-- exit status 1 -->`: the exit status of the block's last command.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.docs.markdown import Block, blocks
from tests.running import PATIENCE, free_port, wait_until

_LANGUAGES = ("sh", "python")
_MARK = re.compile(r"<!-- (not run: .+|keeps running|exit status \d+) -->\s*\Z")
_ADDRESS = re.compile(r"127\.0\.0\.1:(\d{4,5})")
_DEFAULT_PORT = "5000"
# Makes curl print the HTTP status, and stores the exit status of the first command that fails.
_SETUP = """
curl() { command curl --write-out "%{stderr}%{http_code}\\n" "$@"; }
trap 'failed=${failed:-$?}' ERR
"""


@dataclass(frozen=True)
class Step:
    """A block of commands, and the output that the page shows for it, or None."""

    block: Block
    shown: Block | None

    @property
    def mark(self) -> str:
        match = _MARK.search(self.block.before)
        return match[1] if match else ""

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith("not run")

    @property
    def keeps_running(self) -> bool:
        return self.mark == "keeps running"

    @property
    def exit_status(self) -> int:
        return int(self.mark.rpartition(" ")[2]) if self.mark.startswith("exit") else 0

    @property
    def http_status(self) -> int:
        """Returns the status in the text before the shown response, or 0 if the text contains none."""
        named = re.findall(r"`([2-5]\d\d)`", self.shown.before if self.shown else "")
        return int(named[-1]) if named else 0


@dataclass(frozen=True)
class Outcome:
    """The result of a block: its exit status and output."""

    status: int
    out: str
    err: str

    @property
    def http_status(self) -> int:
        statuses = re.findall(r"^(\d{3})$", self.err, re.MULTILINE)
        return int(statuses[-1]) if statuses else 0


def steps(page: str) -> list[Step]:
    """Returns the blocks of commands, each with the block of output that follows it directly."""
    all_blocks = blocks(page)
    following = [*all_blocks[1:], None]
    return [
        Step(block, after if after and _is_output(after) else None)
        for block, after in zip(all_blocks, following, strict=False)
        if block.language in _LANGUAGES
    ]


def _is_output(block: Block) -> bool:
    return block.language in ("json", "text") and not re.search(r"^#", block.before, re.MULTILINE)


class Shell:
    """A shell for the commands, and a background process for each block that keeps running."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._ports = {_DEFAULT_PORT: free_port()}
        self._environment = {**environment, "TASKMGR_BIND": f"127.0.0.1:{self._ports[_DEFAULT_PORT]}"}
        self._scripts = Path(environment["HOME"])
        self._number = 0
        self._running: list[subprocess.Popen[bytes]] = []
        self._bash = self._start(["bash", "--noprofile", "--norc"], stdin=subprocess.PIPE)
        self._type(_SETUP)

    def run(self, step: Step) -> Outcome:
        """Runs a block and waits for its end, or for the service to start if the block keeps running."""
        script = self._new_file(step.block.language)
        script.write_text(self._with_free_ports(step.block.text), "utf-8")
        if step.keeps_running:
            return self._run_in_background(script)
        command = f"python {script}" if step.block.language == "python" else f". {script}"
        out, err, end = (script.with_suffix(each) for each in (".out", ".err", ".end"))
        self._type(f"failed=; {command} </dev/null >{out} 2>{err}\n")
        self._type(f"echo ${{failed:-0}} >{end}.new; mv {end}.new {end}\n")
        assert wait_until(end.exists, seconds=5 * PATIENCE), f"The block does not end: {err.read_text()}"
        return Outcome(int(end.read_text()), out.read_text(), err.read_text())

    def _run_in_background(self, script: Path) -> Outcome:
        out, err = script.with_suffix(".out"), script.with_suffix(".err")
        with out.open("w") as stdout, err.open("w") as stderr:
            process = self._start(
                ["bash", str(script)], stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL
            )
        self._running.append(process)
        wait_until(lambda: "running on" in out.read_text() or process.poll() is not None)
        is_up = "running on" in out.read_text() and process.poll() is None
        return Outcome(0 if is_up else process.poll() or 1, out.read_text(), err.read_text())

    def _start(self, words: list[str], **streams: int | object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
            **streams,  # type: ignore[call-overload]
        )

    def _new_file(self, language: str) -> Path:
        self._number += 1
        return self._scripts / f".block-{self._number}.{'py' if language == 'python' else 'sh'}"

    def _with_free_ports(self, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            return f"127.0.0.1:{self._ports.setdefault(match[1], free_port())}"

        return _ADDRESS.sub(replace, text)

    def _type(self, text: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(text.encode())
        self._bash.stdin.flush()

    def close(self) -> None:
        """Interrupts the background processes and ends the shell."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(PATIENCE)
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._bash.wait(PATIENCE)


@contextmanager
def shell(folder: Path, environment: dict[str, str]) -> Iterator[Shell]:
    """Yields a shell in this folder; its background processes end with it."""
    opened = Shell(folder, environment)
    try:
        yield opened
    finally:
        opened.close()
