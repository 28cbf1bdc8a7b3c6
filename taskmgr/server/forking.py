"""What the master does before it forks a process."""

from __future__ import annotations

import threading
import time

_MAX_THREAD_WAIT = 5.0  # seconds; it usually takes half a second


def join_threads() -> None:
    """Waits for the threads of closed database clients.

    With gevent they are greenlets, which would continue in the worker after the fork.
    """
    deadline = time.monotonic() + _MAX_THREAD_WAIT
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
