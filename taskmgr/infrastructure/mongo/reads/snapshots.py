"""Reads a page in one command and in one piece: what the lists of the API are made from.

The driver's cursors decode and hand out row by row, and cost twice as much. The command also tells
of which moment its snapshot is, so that nobody has to ask what time it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import AutoReconnect
from pymongo.read_concern import ReadConcern

_SNAPSHOT = {"level": "snapshot"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows as they were at one moment, told as `Health.latest_write` tells it; None where nobody can."""

    rows: Sequence[Any]
    as_of: str | None


def find(
    collection: Collection[Any],
    filters: Mapping[str, Any],
    *,
    projection: Mapping[str, Any],
    limit: int,
    order: Mapping[str, int] = MappingProxyType({}),
) -> Snapshot:
    """The first rows that match."""
    command = {
        "find": collection.name, "filter": filters, "projection": projection, "sort": dict(order),
        "limit": limit, "batchSize": limit,
    }  # fmt: skip
    snapshot = _in_one_piece(collection, command)
    if snapshot is not None:
        return snapshot
    whole = collection.with_options(read_concern=ReadConcern("snapshot"))
    rows = whole.find(filters, projection, sort=list(order.items()) or None, limit=limit)
    return Snapshot(list(rows), None)


def aggregate(collection: Collection[Any], stages: Sequence[Mapping[str, Any]], *, limit: int) -> Snapshot:
    """The rows that a pipeline answers, which are at most `limit`."""
    command = {
        "aggregate": collection.name, "pipeline": stages, "cursor": {"batchSize": limit + 1},
    }  # fmt: skip
    snapshot = _in_one_piece(collection, command)
    if snapshot is not None:
        return snapshot
    whole = collection.with_options(read_concern=ReadConcern("snapshot"))
    return Snapshot(list(whole.aggregate(stages)), None)


def _in_one_piece(collection: Collection[Any], command: dict[str, Any]) -> Snapshot | None:
    """What a command answers in its first batch; None where that is not all (16 MB are the most)."""
    database = collection.database
    asked = {**command, "readConcern": _SNAPSHOT}
    try:
        reply = database.command(asked, codec_options=collection.codec_options)
    except AutoReconnect:  # such as a new primary: the driver asks again only for its own cursors
        reply = database.command(asked, codec_options=collection.codec_options)
    cursor = reply["cursor"]
    if cursor["id"]:
        database.command({"killCursors": collection.name, "cursors": [cursor["id"]]})
        return None
    time = cursor.get("atClusterTime")
    return Snapshot(cursor["firstBatch"], None if time is None else f"{time.time}.{time.inc}")
