"""The background process of the service: a child of the master, which starts it again if it ends."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import socket
from threading import Event, Thread

import gevent
import structlog

from taskmgr.background.process import run, stop_with_parent
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import Policy
from taskmgr.metrics.folder import forget_process
from taskmgr.metrics.listener import answer_prometheus
from taskmgr.server.worker import log_uncaught_exceptions
from taskmgr.settings import Settings

PROCESS_NAME = "tm-background"  # at most 15 characters
_MAX_STOP = 12.0  # seconds; the child itself gives its threads 10
_MIN_INTERVAL = 0.9  # seconds between two starts, so that one that fails at once is not repeated too often
_DEFAULT_SIGNALS = (signal.SIGCHLD, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN)

_log = structlog.get_logger("taskmgr.serve")


class BackgroundChild:
    """Starts, watches and stops the background process.

    The child answers Prometheus on `metrics_listener`, if there is one. `release` is called in the child, to
    close what only the master and the workers use.
    """

    def __init__(
        self,
        uri: str,
        settings: Settings,
        *,
        metrics_listener: socket | None,
        release: Callable[[], None],
    ) -> None:
        self._uri = uri
        self._settings = settings
        self._metrics_listener = metrics_listener
        self._release = release
        # The same for each child of this master, so that a new one need not wait for the lease of the last.
        self._holder = secrets.token_hex(8)
        self._pid: int | None = None
        self._next_start = 0.0

    def ensure_running(self, policy: Policy) -> None:
        """Starts the process if it is not running; it works with this policy."""
        if self._is_running() or time.monotonic() < self._next_start:
            return
        if self._pid is not None:
            forget_process(self._pid)
            _log.warning("the background process has ended and is started again")
        self._next_start = time.monotonic() + _MIN_INTERVAL
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._run_child(policy, parent)
        self._pid = pid

    def replace(self, policy: Policy) -> None:
        """Ends the process and starts another one, which works with this policy."""
        self.stop()
        self._next_start = 0.0
        self.ensure_running(policy)

    def stop(self) -> None:
        """Ends the process after the step in progress."""
        if self._pid is None:
            return
        deadline = time.monotonic() + _MAX_STOP
        self._send(signal.SIGTERM)
        while self._is_running():
            if time.monotonic() > deadline:
                self._send(signal.SIGKILL)
            time.sleep(0.02)
        forget_process(self._pid)
        self._pid = None

    def _is_running(self) -> bool:
        if self._pid is None:
            return False
        # gunicorn waits for all children of the master, too, so this one may be gone already.
        with suppress(ChildProcessError):
            os.waitpid(self._pid, os.WNOHANG)
        return self._send(0)

    def _send(self, number: int) -> bool:
        """Sends a signal to the process; returns False if it does not exist."""
        try:
            os.kill(self._pid or 0, number)
        except ProcessLookupError:
            return False
        return True

    def _run_child(self, policy: Policy, parent: int) -> None:
        status = 1
        try:
            stop = Event()
            _set_name()
            _handle_signals(stop)
            self._release()
            log_uncaught_exceptions(gevent.get_hub())
            Thread(target=stop_with_parent, args=(stop, parent), daemon=True).start()
            if self._metrics_listener is not None:
                answer_prometheus(self._metrics_listener)
            run(self._uri, self._settings, policy, stop, holder=self._holder)
            status = 0
        except CannotStart as error:
            _log.error("the background process cannot start", reason=str(error))
        except BaseException as error:  # noqa: BLE001 - nothing may return into the master's code
            _log.critical("the background process has failed", exc_info=error)
        finally:
            sys.stdout.flush()
            os._exit(status)


def _set_name() -> None:
    """Names the process, so that `ps` and `top` tell it from the workers."""
    with suppress(OSError):  # only Linux has this file
        Path("/proc/self/comm").write_text(PROCESS_NAME, "ascii")


def _handle_signals(stop: Event) -> None:
    """Handles SIGTERM, and ignores what a terminal or the master's owner sends to the whole group."""
    signal.set_wakeup_fd(-1)
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gevent.signal_handler(signal.SIGTERM, stop.set)  # Python's own waits until some greenlet runs
