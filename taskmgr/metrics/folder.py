"""The folder in which the processes of a service share their metrics."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is imported


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Lets this process and its children share their metrics, in a folder that is removed in the end.

    Call it before `taskmgr.metrics.instruments` is imported.
    """
    path, owner = tempfile.mkdtemp(prefix="taskmgr-metrics-"), os.getpid()
    os.environ[_VARIABLE] = path  # noqa: TID251 - its only way to learn of it
    try:
        yield
    finally:
        if os.getpid() == owner:  # a child that ends leaves the block, too
            shutil.rmtree(path, ignore_errors=True)


def forget_process(pid: int) -> None:
    """Removes the gauges of a process that has ended; its counters are kept."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]
