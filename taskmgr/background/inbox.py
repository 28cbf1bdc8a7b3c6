"""Tells users what happens and what is due, as a job of the background process."""

from __future__ import annotations

import time

from taskmgr.domain.services.notifying import Notifier

_INTERVAL = 1.0  # seconds between two steps, so that many changes are told in one transaction
_DUE_INTERVAL = 30.0  # seconds between two looks at due dates


class InboxJob:
    """Follows the feed, and looks at due dates."""

    name = "inbox"

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._next_step = 0.0
        self._next_look = 0.0

    def close(self) -> None:
        """Does nothing: a step leaves nothing in progress."""

    def step(self) -> float:
        """Tells of what has happened since the last step, and twice a minute of due dates."""
        time.sleep(max(0.0, self._next_step - time.monotonic()))
        more = self._notifier.tell_changes()
        if not more:
            self._next_step = time.monotonic() + _INTERVAL
        if time.monotonic() >= self._next_look and not self._notifier.tell_due_dates():
            self._next_look = time.monotonic() + _DUE_INTERVAL
        return 0.0 if more else max(0.0, self._next_look - time.monotonic())
