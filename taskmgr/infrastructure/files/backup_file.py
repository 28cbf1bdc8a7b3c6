"""Reads backups, which may be damaged or made up by somebody: the memory needed does not depend on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import IO, Any

import bson
import zstandard
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from taskmgr.domain.model.errors import CannotStart
from taskmgr.infrastructure.files.backup_format import FORMAT, BackupHeader, Manifest, RowCounter, Rows

# A block of four bytes can stand for 128 KiB, so this much input is at most 16 MiB of output.
_CHUNK = 512
_MAX_WINDOW = 8 * 1024 * 1024  # bytes that the decompressor keeps
_MAX_ROW = 16 * 1024 * 1024 + 16 * 1024  # bytes; the limit of MongoDB, with what it allows for itself
_MAX_FRAMING = 64 * 1024  # bytes of a header or manifest
_MAX_COLLECTIONS = 100
_COLLECTION_NAME = re.compile(r"[a-z_]{1,60}")
_MAGIC = b"\x28\xb5\x2f\xfd"  # https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1
_ANY_DATE: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_AWARE: CodecOptions[Mapping[str, Any]] = CodecOptions(tz_aware=True)
_FIELDS: Mapping[str, type] = {
    "release": str, "as_of": datetime, "database": str, "schema_version": int, "time_zone": str,
    "migrated": bool,
}  # fmt: skip


class BadBackup(CannotStart):
    """The file cannot be restored; the text says what is wrong with it."""


class BackupFile:
    """A backup that is read from a file, once and from beginning to end.

    `manifest` is what the file says about its rows; it is empty until all have been read.
    """

    def __init__(self, source: IO[bytes], name: str) -> None:
        """Reads the header. Raises `BadBackup`; its texts begin with `name`."""
        self._name = name
        self._stream = _Stream(source, name)
        self.header = self._read_header()
        self.manifest: Manifest = {}

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Yields each row with the name of its collection. Raises `BadBackup`.

        Whether the rows are as they were saved is known after the last one.
        """
        counted: dict[str, Rows] = {}
        while (name := self._next_collection(counted)) is not None:
            counter = RowCounter()
            while (row := self._stream.document(_MAX_ROW)) is not None:
                counter.add(row)
                yield name, row
            counted[name] = counter.rows
        self._stream.require_end()
        if counted != self.manifest:
            names = {name for name, _ in counted.items() ^ self.manifest.items()}
            raise self._damaged(f"the checksums of these collections differ: {', '.join(sorted(names))}")

    def check(self, seen: Callable[[], None] = lambda: None) -> Manifest:
        """Reads and decodes all rows, calls `seen` for each, and returns the manifest. Raises `BadBackup`."""
        for name, row in self.rows():
            try:
                bson.decode(row, _ANY_DATE)
            except (BSONError, RecursionError, UnicodeDecodeError) as error:
                raise self._damaged(f"a document of the collection {name} cannot be read") from error
            seen()
        return self.manifest

    def _read_header(self) -> BackupHeader:
        document = self._decode(self._stream.document(_MAX_FRAMING))
        if "taskmgr_backup" not in document:
            raise _is_no_backup(self._name)
        if document["taskmgr_backup"] != FORMAT:
            raise BadBackup(
                f"{self._name} has the format {document['taskmgr_backup']!r}, and this release of taskmgr "
                f"reads only the format {FORMAT}: use the release that made it, {document.get('release')!r}."
            )
        if any(not isinstance(document.get(name), kind) for name, kind in _FIELDS.items()):
            raise self._damaged("its header lacks a field or has a wrong value")
        return BackupHeader(**{name: document[name] for name in _FIELDS})

    def _next_collection(self, counted: Mapping[str, Rows]) -> str | None:
        """Returns the name of the next collection; after the last one, None, and sets `manifest`."""
        document = self._decode(self._stream.document(_MAX_FRAMING))
        if "manifest" in document:
            self.manifest = self._read_manifest(document["manifest"])
            return None
        name = document.get("collection")
        if not isinstance(name, str) or not _COLLECTION_NAME.fullmatch(name) or name in counted:
            raise self._damaged("a collection has no usable name, or appears twice")
        if len(counted) == _MAX_COLLECTIONS:
            raise self._damaged(f"it has more than {_MAX_COLLECTIONS} collections")
        return name

    def _read_manifest(self, document: Mapping[str, Mapping[str, Any]]) -> Manifest:
        try:
            return {name: Rows(**rows) for name, rows in document.items()}
        except (TypeError, AttributeError) as error:
            raise self._damaged("its manifest cannot be read") from error

    def _decode(self, document: bytes | None) -> Mapping[str, Any]:
        try:
            return {} if document is None else bson.decode(document, _AWARE)
        except (BSONError, RecursionError, UnicodeDecodeError) as error:
            raise self._damaged("what describes it cannot be read") from error

    def _damaged(self, reason: str) -> BadBackup:
        return _is_damaged(self._name, reason)


class _Stream:
    """The decompressed content of a file, taken piece by piece."""

    def __init__(self, source: IO[bytes], name: str) -> None:
        self._name = name
        self._pieces = _decompressed(source, name)
        self._piece, self._position = b"", 0

    def document(self, limit: int) -> bytes | None:
        """Returns the next document, of at most `limit` bytes; None for the end of a collection's rows."""
        prefix = self._take(4)
        size = int.from_bytes(prefix, "little")
        if size == 0:
            return None
        if not 5 <= size <= limit:
            raise _is_damaged(self._name, f"a document in it cannot have {size:,} bytes")
        return prefix + self._take(size - 4)

    def require_end(self) -> None:
        """Raises `BadBackup` if anything follows."""
        if self._position < len(self._piece) or any(self._pieces):
            raise _goes_on(self._name)

    def _take(self, size: int) -> bytes:
        while len(self._piece) - self._position < size:
            piece = next(self._pieces, None)
            if piece is None:
                raise _is_cut(self._name)
            self._piece, self._position = self._piece[self._position :] + piece, 0
        start, self._position = self._position, self._position + size
        return self._piece[start : self._position]


def _decompressed(source: IO[bytes], name: str) -> Iterator[bytes]:
    """Yields the content of the only frame of a file."""
    chunk = source.read(_CHUNK)
    if not chunk:
        raise BadBackup(f"{name} is empty.")
    if not chunk.startswith(_MAGIC):
        raise _is_no_backup(name)
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
    while not decompressor.eof:
        if not chunk:
            raise _is_cut(name)
        try:
            yield decompressor.decompress(chunk)
        except zstandard.ZstdError as error:
            raise _is_damaged(name, "it cannot be decompressed") from error
        if not decompressor.eof:
            chunk = source.read(_CHUNK)
    if decompressor.unused_data or source.read(1):
        raise _goes_on(name)


def _is_no_backup(name: str) -> BadBackup:
    return BadBackup(f"{name} is not a backup made by `taskmgr db backup`.")


def _is_damaged(name: str, reason: str) -> BadBackup:
    return BadBackup(f"{name} is damaged: {reason}. Use another backup.")


def _is_cut(name: str) -> BadBackup:
    return BadBackup(f"{name} is not complete: its end is missing. Use another backup.")


def _goes_on(name: str) -> BadBackup:
    return BadBackup(f"{name} goes on after the end of the backup: it must contain nothing else.")
