"""Restarts the embedded database if it dies while the service runs."""

from __future__ import annotations

import time

import gevent
import structlog

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.embedded.database import EmbeddedDatabase

# Seconds per call. A restart that takes longer goes on in the next call; the master handles signals between.
_MAX_CALL = 5.0
_PAUSE_AFTER_FAILURE = 5.0  # seconds

_log = structlog.get_logger("taskmgr.serve")


class DatabaseWatch:
    """Checks the embedded database when called, and restarts it if it has died."""

    def __init__(self, database: EmbeddedDatabase) -> None:
        self._database = database
        self._is_restarting = False
        self._paused_until = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._paused_until:
            return
        try:
            if self._has_restarted():
                _log.warning("the database had died and was restarted")
        except CannotStart as error:
            _log.error("the database is down", reason=str(error))
            self._paused_until = time.monotonic() + _PAUSE_AFTER_FAILURE

    def _has_restarted(self) -> bool:
        """Returns True if a restart was needed and is complete, possibly begun in an earlier call."""
        was_restarting, self._is_restarting = self._is_restarting, True
        timeout = gevent.Timeout.start_new(_MAX_CALL)
        try:
            restarted = self._database.ensure_running()
        except gevent.Timeout:
            return False
        finally:
            timeout.close()
        self._is_restarting = False
        return restarted or was_restarting
