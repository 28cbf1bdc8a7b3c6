"""The master: the gunicorn process that starts, watches, replaces and stops the workers."""

from __future__ import annotations

import time
from collections.abc import Set
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from gunicorn.arbiter import Arbiter

from taskmgr.domain.model.errors import CannotStart, Unavailable
from taskmgr.server.background_child import BackgroundChild
from taskmgr.server.forking import join_threads

if TYPE_CHECKING:
    from taskmgr.server.application import ServerApplication

# Seconds between failing the readiness check and closing the listener: a load balancer stops sending first.
SHUTDOWN_NOTICE = 1.0

_log = structlog.get_logger("taskmgr.serve")


class Master(Arbiter):  # type: ignore[misc]
    """gunicorn's arbiter with four changes.

    It calls `ServerOptions.every_second` in its loop, it runs the background process beside the workers, it
    also shuts down gracefully on Ctrl-C, and it replaces its processes on SIGHUP only if the policy file is
    usable.
    """

    app: ServerApplication
    _background: BackgroundChild | None = None
    _is_interactive_stop = False
    _is_reloading = False
    _old_workers: Set[int] = frozenset()  # ids of the processes that still run a replaced policy

    def murder_workers(self) -> None:
        """Does what is due every second, because gunicorn calls this in its loop to end workers that hang.

        Workers are never forked meanwhile, so they inherit no connection that `every_second` opens.
        """
        self.app.options.every_second()
        self.ensure_background()
        if self._old_workers and self._old_workers.isdisjoint(self.WORKERS):
            self._old_workers = frozenset()
            self._check_statuses()
        super().murder_workers()

    def ensure_background(self) -> None:
        """Starts the background process if it does not run."""
        if self._background is None:
            options = self.app.options
            self._background = BackgroundChild(
                options.uri,
                options.settings,
                metrics_listener=options.metrics_listener,
                release=self._close_listeners,
            )
        join_threads()
        self._background.ensure_running(self.app.policy)

    def _close_listeners(self) -> None:
        for listener in self.LISTENERS:
            listener.close()

    def _check_statuses(self) -> None:
        """Logs an error if the workers of the replaced policy stored a status that the new one lacks."""
        try:
            self.app.require_known_statuses(self.app.policy)
        except (CannotStart, Unavailable) as error:
            _log.error("stored tasks may have statuses that are not in the policy", reason=str(error))

    def handle_int(self) -> None:
        self._is_interactive_stop = True
        self.handle_term()

    def stop(self, graceful: bool = True) -> None:
        if graceful and not self.app.shutdown:
            _log.info("stopping")
            self.app.shutdown.set()
            time.sleep(0 if self._is_interactive_stop else SHUTDOWN_NOTICE)
        super().stop(graceful)
        if self._background is not None:  # last, so that it follows the last writes of the workers
            self._background.stop()

    def handle_hup(self) -> None:
        """Loads the policy file again and replaces all workers; keeps both if the file is not usable."""
        try:
            self.app.policy = self.app.load_usable_policy()
        except (CannotStart, Unavailable) as error:
            _log.error("not reloaded", reason=str(error))
            return
        self._old_workers |= self.WORKERS.keys()
        super().handle_hup()
        if self._background is not None:
            self._background.replace(self.app.policy)
        _log.info("reloaded")

    def reload(self) -> None:
        """Replaces the workers without waiting until the old ones have ended.

        gunicorn would wait, and would handle no signal meanwhile: one slow client could delay a shutdown.
        """
        self._is_reloading = True
        with suppress(_WorkersReplaced):
            super().reload()
        self._is_reloading = False

    def reap_workers(self) -> None:
        super().reap_workers()
        if self._is_reloading:
            raise _WorkersReplaced


class _WorkersReplaced(Exception):
    """Leaves gunicorn's `reload` when it begins to wait for the old workers."""
