"""Handles SIGTERM and SIGINT until gunicorn does."""

from __future__ import annotations

import signal
import sys


class StartupSignals:
    """Records SIGTERM and SIGINT, so that the start-up ends after the step in progress.

    Ending in the middle of a step would leave a database running. A second signal exits at once.
    """

    def __init__(self) -> None:
        self._is_stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, *_: object) -> None:
        if self._is_stopping:
            sys.exit(0)
        self._is_stopping = True

    def exit_if_received(self) -> None:
        if self._is_stopping:
            sys.exit(0)
