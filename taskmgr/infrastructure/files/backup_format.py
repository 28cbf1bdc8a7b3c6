"""Defines what a backup contains, and writes it as one compressed stream.

The stream is one zstandard frame with a checksum. Inside are BSON documents, each of which begins with its
own length, and after the rows of each collection four zero bytes:

    {"taskmgr_backup": 1, …}    the header
    {"collection": "tasks"}     once for each collection, with its rows as they are stored
    …
    {"manifest": {…}}           the number, the size and the SHA-256 of the rows of each collection

The manifest is at the end, so that a backup can be written to a pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO

import bson
import zstandard

FORMAT = 1
END_OF_ROWS = bytes(4)
_LEVEL = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupHeader:
    """What was saved: the database as of a moment, the release that saved it, and the form of its data.

    `schema_version` and `time_zone` are those of the stored data. `migrated` is False if a migration to this
    version had begun and not finished.
    """

    release: str
    as_of: datetime
    database: str
    schema_version: int
    time_zone: str
    migrated: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one collection: how many there are, their bytes altogether, and their hash."""

    count: int
    size: int
    sha256: bytes


class RowCounter:
    """Counts rows and computes their hash."""

    def __init__(self) -> None:
        self._count = self._size = 0
        self._hash = sha256()

    def add(self, row: bytes) -> None:
        """Counts a row."""
        self._count += 1
        self._size += len(row)
        self._hash.update(row)

    @property
    def rows(self) -> Rows:
        """Returns what has been counted."""
        return Rows(self._count, self._size, self._hash.digest())


Manifest = Mapping[str, Rows]


def write_backup(
    target: IO[bytes], header: BackupHeader, collections: Iterable[tuple[str, Iterable[bytes]]]
) -> Manifest:
    """Writes a backup of these collections, each with its rows as BSON, and returns its manifest."""
    manifest = {}
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    with compressor.stream_writer(target, closefd=False) as stream:
        stream.write(bson.encode({"taskmgr_backup": FORMAT, **asdict(header)}))
        for name, rows in collections:
            stream.write(bson.encode({"collection": name}))
            counter = RowCounter()
            for row in rows:
                stream.write(row)
                counter.add(row)
            stream.write(END_OF_ROWS)
            manifest[name] = counter.rows
        stream.write(bson.encode({"manifest": {name: asdict(rows) for name, rows in manifest.items()}}))
    return manifest
