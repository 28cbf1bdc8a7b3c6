"""Makes the server keep the data as of a moment for as long as it is being read.

MongoDB keeps it for `minSnapshotHistoryWindowInSeconds`, five minutes unless somebody has changed that:
https://www.mongodb.com/docs/v6.0/reference/parameters/#mongodb-parameter-param.minSnapshotHistoryWindowInSeconds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

SETTING = "minSnapshotHistoryWindowInSeconds"
DEFAULT_WINDOW = 300  # seconds
_FACTOR = 4  # by which the setting is raised when half of the time is over


@contextmanager
def kept_history(database: Database[Any]) -> Iterator[None]:
    """Raises the server's setting inside the block when it is needed, if the user may do that.

    It is set back at the end. After a kill, the server keeps the raised value until it is started again.
    """
    ended = Event()
    thread = Thread(target=_keep, args=(database, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep(database: Database[Any], ended: Event) -> None:
    admin, begun = database.client.admin, time.monotonic()
    with suppress(PyMongoError):  # the user lacks the right, or this is a router of a sharded cluster
        original = window = int(admin.command({"getParameter": 1, SETTING: 1})[SETTING])
        while not ended.wait(max(0.0, begun + window / 2 - time.monotonic())):
            window = max(1, window * _FACTOR)
            admin.command({"setParameter": 1, SETTING: window})
        if window != original:
            admin.command({"setParameter": 1, SETTING: original})
