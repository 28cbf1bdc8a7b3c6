"""A backup file is read as it was written, or refused with a sentence that says what is wrong with it."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.infrastructure.files.backup_file import BackupFile, BadBackup
from taskmgr.infrastructure.files.backup_format import END_OF_ROWS, BackupHeader, write_backup

HEADER = BackupHeader(
    release="1.2.3",
    as_of=datetime(2026, 3, 10, 12, tzinfo=UTC),
    database="taskmgr",
    schema_version=3,
    time_zone="Europe/Berlin",
    migrated=True,
)
MIB = 1024 * 1024
WINDOW_SIZE = 5  # the position of a byte that says how much memory is needed, not what the content is
Collections = dict[str, list[dict[str, Any]]]
SMALL: Collections = {
    "tasks": [{"_id": n, "title": f"Task {n} 🦊 مهمة"} for n in range(20)],
    "users": [],
    "locks": [{"_id": "admins", "touched": bson.Int64(3)}],
}


def backup_of(collections: Collections, header: BackupHeader = HEADER) -> bytes:
    target = io.BytesIO()
    rows = ((name, map(bson.encode, documents)) for name, documents in collections.items())
    write_backup(target, header, rows)
    return target.getvalue()


def compressed(parts: Iterable[bytes]) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(parts))


def check(content: bytes) -> BackupFile:
    backup = BackupFile(io.BytesIO(content), "saved")
    backup.check()
    return backup


def refusal(content: bytes) -> str:
    with pytest.raises(BadBackup) as caught:
        check(content)
    return str(caught.value)


DOCUMENTS = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=50) | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    max_size=5,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["tasks", "users"]), st.lists(DOCUMENTS, max_size=9)))
def test_what_was_written_is_read(collections: Collections) -> None:
    backup = BackupFile(io.BytesIO(backup_of(collections)), "saved")

    rows = [(name, row) for name, row in backup.rows()]

    assert backup.header == HEADER
    assert rows == [(name, bson.encode(row)) for name, rows in collections.items() for row in rows]
    assert {name: each.count for name, each in backup.manifest.items()} == {
        name: len(rows) for name, rows in collections.items()
    }


def test_a_file_that_was_cut_anywhere_is_not_complete() -> None:
    content = backup_of(SMALL)
    assert refusal(b"") == "saved is empty."
    for length in range(4, len(content)):
        assert refusal(content[:length]) == (
            "saved is not complete: its end is missing. Use another backup."
        ), length


def test_a_change_of_any_byte_is_noticed() -> None:
    content = backup_of(SMALL)
    for position in range(len(content)):
        if position == WINDOW_SIZE:
            continue
        changed = bytearray(content)
        changed[position] ^= 0x55
        assert refusal(bytes(changed)).startswith("saved "), position


@pytest.mark.parametrize("more", [b"\0", b"more", backup_of(SMALL), compressed([b"more"])])
def test_nothing_may_follow_a_backup(more: bytes) -> None:
    expected = "saved goes on after the end of the backup: it must contain nothing else."
    assert refusal(backup_of(SMALL) + more) == expected


@pytest.mark.parametrize(
    "content",
    [b"x", b"PK\x03\x04 another archive", compressed([b""]), compressed([b"text"]),
     compressed([bson.encode({"name": "tasks"})])],
    ids=["a letter", "zip", "nothing", "text", "bson"],
)  # fmt: skip
def test_another_kind_of_file_is_no_backup(content: bytes) -> None:
    assert refusal(content).startswith("saved is ")


def test_a_backup_in_a_later_format_names_the_release_that_made_it() -> None:
    assert refusal(compressed([bson.encode({"taskmgr_backup": 2, "release": "9.0.0"})])) == (
        "saved has the format 2, and this release of taskmgr reads only the format 1: use the release that "
        "made it, '9.0.0'."
    )


@pytest.mark.parametrize("lacking", ["release", "as_of", "schema_version", "time_zone", "migrated"])
def test_a_header_that_lacks_a_field_is_refused(lacking: str) -> None:
    header = {name: getattr(HEADER, name) for name in HEADER.__slots__ if name != lacking}
    assert "its header" in refusal(compressed([bson.encode({"taskmgr_backup": 1, **header})]))


def head() -> bytes:
    return bson.encode({"taskmgr_backup": 1, **{name: getattr(HEADER, name) for name in HEADER.__slots__}})


def nested(depth: int) -> bytes:
    document = b"\x05\0\0\0\0"
    for _ in range(depth):
        content = b"\x03a\0" + document + b"\0"
        document = (len(content) + 4).to_bytes(4, "little") + content
    return document


TASKS = bson.encode({"collection": "tasks"})


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([bson.encode({"collection": "system.users"})], "has no usable name"),
        ([bson.encode({"collection": "../tasks"})], "has no usable name"),
        ([bson.encode({"collection": 7})], "has no usable name"),
        ([TASKS, END_OF_ROWS, TASKS], "appears twice"),
        ([END_OF_ROWS], "has no usable name"),
        ([TASKS, (2**31 - 1).to_bytes(4, "little")], "cannot have 2,147,483,647 bytes"),
        ([TASKS, b"\xff\xff\xff\xff"], "cannot have"),
        ([TASKS, b"\x01\0\0\0"], "cannot have 1 bytes"),
        ([TASKS, b"\x08\0\0\0what"], "a document of the collection tasks cannot be read"),
        ([TASKS, nested(2_000)], "a document of the collection tasks cannot be read"),
        ([bson.encode({"manifest": {"tasks": {"count": 1}}})], "its manifest cannot be read"),
        ([bson.encode({"manifest": 1})], "its manifest cannot be read"),
        ([bson.encode({"manifest": {"tasks": {"count": 0, "size": 0, "sha256": b""}}})], "checksums"),
        ([TASKS, END_OF_ROWS, bson.encode({"manifest": {}})], "these collections differ: tasks"),
        ([part for n in range(101) for part in (bson.encode({"collection": "c" * (n % 60 + 1)
          if n < 60 else "d" * (n % 60 + 1)}), END_OF_ROWS)], "more than 100"),
    ],
)  # fmt: skip
def test_a_file_that_somebody_made_up_is_damaged(parts: list[bytes], reason: str) -> None:
    message = refusal(compressed([head(), *parts]))
    assert message.startswith("saved is damaged: ")
    assert reason in message


def test_the_memory_needed_does_not_depend_on_what_a_file_expands_to() -> None:
    one = bson.encode({"_id": 1, "text": "x" * 15 * MIB})
    compressor = zstandard.ZstdCompressor().compressobj()
    pieces = [compressor.compress(head() + TASKS), *(compressor.compress(one) for _ in range(15))]
    bomb = b"".join(pieces) + compressor.flush()
    assert len(bomb) < MIB / 4

    tracemalloc.start()
    try:
        assert "not complete" in refusal(bomb)
        assert tracemalloc.get_traced_memory()[1] < 100 * MIB
    finally:
        tracemalloc.stop()


def test_a_file_that_needs_much_memory_to_decompress_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    content = compressor.compress(head()) + compressor.flush()
    assert refusal(content) == "saved is damaged: it cannot be decompressed. Use another backup."


def test_dates_beyond_the_calendar_of_python_are_kept() -> None:
    far = bson.datetime_ms.DatetimeMS(2**62)
    backup = check(backup_of({"tasks": [{"_id": 1, "at": far}]}, replace(HEADER, migrated=False)))
    assert backup.manifest["tasks"].count == 1
