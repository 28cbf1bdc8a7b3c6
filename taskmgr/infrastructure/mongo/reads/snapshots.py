"""Reads a page as of one moment, with a single command instead of one of the driver's cursors.

The reply contains the time of its snapshot (`atClusterTime`), which the driver's cursors hide. A list's ETag
is made from it (docs/decisions/0009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bson import Timestamp
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect
from pymongo.read_concern import ReadConcern


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows as of one moment, which is None if it is unknown."""

    rows: Sequence[Any]
    at: Timestamp | None

    @property
    def as_of(self) -> str | None:
        """Returns the moment in the format of `Health.latest_write`."""
        return None if self.at is None else f"{self.at.time}.{self.at.inc}"


def find(
    collection: Collection[Any],
    filters: Mapping[str, Any],
    *,
    projection: Mapping[str, Any],
    limit: int,
    order: Mapping[str, int] = MappingProxyType({}),
    at: Timestamp | None = None,
) -> Snapshot:
    """Returns the first `limit` rows that match, as of the moment `at` of another snapshot if it is given.

    Only an answer of more than 16 MB is always as of now.
    """
    command = {
        "find": collection.name, "filter": filters, "projection": projection, "sort": dict(order),
        "limit": limit, "batchSize": limit,
    }  # fmt: skip
    snapshot = _first_batch(collection, command, at)
    if snapshot is not None:
        return snapshot
    collection = collection.with_options(read_concern=ReadConcern("snapshot"))
    rows = collection.find(filters, projection, sort=list(order.items()) or None, limit=limit)
    return Snapshot(list(rows), None)


def aggregate(
    collection: Collection[Any],
    stages: Sequence[Mapping[str, Any]],
    *,
    limit: int,
    at: Timestamp | None = None,
) -> Snapshot:
    """Returns the rows of a pipeline that yields at most `limit` rows; `at` as for `find`."""
    command = {
        "aggregate": collection.name, "pipeline": stages, "cursor": {"batchSize": limit + 1},
    }  # fmt: skip
    snapshot = _first_batch(collection, command, at)
    if snapshot is not None:
        return snapshot
    collection = collection.with_options(read_concern=ReadConcern("snapshot"))
    return Snapshot(list(collection.aggregate(stages)), None)


def _first_batch(
    collection: Collection[Any], command: dict[str, Any], at: Timestamp | None
) -> Snapshot | None:
    """Returns the rows of the first batch, or None if it has not all of them: a reply is at most 16 MB."""
    database = collection.database
    moment = {} if at is None else {"atClusterTime": at}
    request = {**command, "readConcern": {"level": "snapshot", **moment}}
    try:
        reply = database.command(request, codec_options=collection.codec_options)
    except AutoReconnect:  # after an election, for example; the driver retries `find`, but not `command`
        reply = database.command(request, codec_options=collection.codec_options)
    cursor = reply["cursor"]
    if cursor["id"]:
        database.command({"killCursors": collection.name, "cursors": [cursor["id"]]})
        return None
    return Snapshot(cursor["firstBatch"], cursor.get("atClusterTime"))
