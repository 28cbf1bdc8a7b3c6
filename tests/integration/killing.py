"""Runs processes that kill themselves at one of their writes, before or after the server has seen it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from pymongo import monitoring


class Killer(monitoring.CommandListener):
    """Kills this process at the nth event of these commands. Failures count only if `counts_failures`."""

    def __init__(self, point: int, commands: Collection[str], *, counts_failures: bool = False) -> None:
        self._left = point
        self._commands = commands
        self._counts_failures = counts_failures

    def _note(self, command: str) -> None:
        if command in self._commands:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._note(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._note(event.command_name)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        if self._counts_failures:
            self._note(event.command_name)


def work_in_forks(work: Callable[[int], None]) -> None:
    """Does the work in a fork of this process for each point on standard input, and prints its status."""
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            work(int(line))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


@contextmanager
def processes_to_kill(program: str, *arguments: object) -> Iterator[Callable[[int], bool]]:
    """Yields a function that runs one process with a point, and returns True if that was killed.

    The program ends with `work_in_forks`: its processes are forked from one that has imported everything,
    since imports would take most of the time.
    """
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def is_killed(point: int) -> bool:
            stdin.write(f"{point}\n")
            status = int(stdout.readline())
            assert status in (0, -signal.SIGKILL)
            return status != 0

        yield is_killed
