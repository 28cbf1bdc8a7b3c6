"""Handles SIGTERM and SIGINT until gunicorn does."""

from __future__ import annotations

import signal
import sys

import gevent


class StartupSignals:
    """Records SIGTERM and SIGINT, so that the start-up ends after the step in progress.

    Ending in the middle of a step would leave a database running. A second signal ends the step as soon as
    it waits for something, and further ones change nothing.
    """

    def __init__(self) -> None:
        self._received = 0
        self._main = gevent.getcurrent()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, *_: object) -> None:
        self._received += 1
        if self._received == 2:
            # Raised here, it could interrupt gevent itself, which would for example leave a timer running.
            gevent.get_hub().loop.run_callback(self._main.throw, SystemExit(0))

    def exit_if_received(self) -> None:
        if self._received:
            sys.exit(0)
