"""Verifies a file that `taskmgr log export` has written: python verify_log.py FILE [--head SEQ:HASH]

This program needs nothing but Python and this one file. The first line of an export says after which entry
it begins, and each further line is one entry of the log:

    {"after": 0, "hash": "0000…"}
    {"entry": {…}, "hash": "5f3a…", "seq": 1}
    {"entry": {…}, "hash": "90c1…", "seq": 2}

The hash of an entry is the SHA-256 of the hash before it (32 bytes) and of the entry as canonical JSON
(RFC 8785, in UTF-8). Whoever alters, removes, inserts or moves an entry must therefore compute all hashes
after it anew, and then the last one differs from the one that somebody has noted before: give the noted one
as `--head`. Without it, the file is only compared with itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from typing import Any, Callable, Iterable, NamedTuple, Optional  # noqa: UP035 - runs on Python 3.8, too

Report = Callable[[str], None]


class Head(NamedTuple):
    """The number and the hash of an entry. Number 0 stands for the beginning of the log."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


def parse_head(text: str) -> Head:
    """Returns the head that `SEQ:HASH` stands for. Raises `ValueError`."""
    seq, _, digest = text.partition(":")
    head = Head(int(seq), bytes.fromhex(digest))
    if head.seq < 0 or len(head.hash) != hashlib.sha256().digest_size:
        raise ValueError(text)
    return head


def canonical_json(value: Any) -> bytes:
    """Returns the canonical form of RFC 8785, for values without fractions and with names in ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def next_hash(previous: bytes, entry: Any) -> bytes:
    """Returns the hash of an entry that follows the hash of another."""
    return hashlib.sha256(previous + canonical_json(entry)).digest()


def verify(lines: Iterable[bytes], report: Report, noted: Optional[Head] = None) -> Head:  # noqa: UP045
    """Calls `report` with a sentence for each mistake, and returns the last entry's number and hash."""
    numbered = enumerate(lines, 1)
    last = start = _parse_first(next(numbered, (1, b""))[1], report)
    if noted is not None and noted.seq < start.seq:
        report(f"The file begins after entry {start.seq}, and does not have entry {noted.seq}.")
    is_continued = True  # False while the hash before is unknown
    for number, line in numbered:
        try:
            seq, digest, entry = _parse(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            report(f"Line {number} is not an entry.")
            is_continued = False
            continue
        if seq <= last.seq:
            report(f"Line {number}: entry {seq} is in the wrong place, after entry {last.seq}.")
            continue
        if seq > last.seq + 1:
            report(f"Line {number}: {_missing(last.seq + 1, seq - 1)} before entry {seq}.")
            is_continued = False
        if is_continued and next_hash(last.hash, entry) != digest:
            report(f"Line {number}: the hash of entry {seq} does not follow from it and the hash before.")
        last, is_continued = Head(seq, digest), True
        if noted is not None and noted.seq == seq and noted.hash != digest:
            report(f"Line {number}: entry {seq} has the hash {digest.hex()}, and not the noted one.")
    if noted is not None and noted.seq > last.seq:
        report(f"The file ends with entry {last.seq}: {_missing(last.seq + 1, noted.seq)}.")
    if noted is not None and noted.seq == start.seq and noted.hash != start.hash:
        report(f"Line 1: entry {start.seq} has the hash {start.hash.hex()}, and not the noted one.")
    return last


def _parse_first(line: bytes, report: Report) -> Head:
    try:
        row = json.loads(line)
        start = Head(int(row["after"]), bytes.fromhex(row["hash"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        report("Line 1 does not say after which entry the file begins.")
        return Head(0, bytes(32))
    if start.seq == 0 and start.hash != bytes(32):
        report("Line 1: the hash before entry 1 is not zero.")
    return start


def _parse(line: bytes) -> tuple[int, bytes, Any]:
    row = json.loads(line)
    if line != canonical_json(row) + b"\n" or row.keys() != {"seq", "hash", "entry"}:
        raise ValueError(line)
    return int(row["seq"]), bytes.fromhex(row["hash"]), row["entry"]


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def main() -> None:
    """Verifies the file of the command line; exit status 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description="Verifies a file that `taskmgr log export` has written.")
    parser.add_argument("file")
    parser.add_argument("--head", type=parse_head, metavar="SEQ:HASH", help="the head that was noted before")
    options = parser.parse_args()
    mistakes = []

    def report(mistake: str) -> None:
        mistakes.append(1)
        print(mistake)

    with open(options.file, "rb") as lines:
        last = verify(lines, report, options.head)
    if mistakes:
        sys.exit(1)
    print(f"Everything is in order. The head is {last}.")


if __name__ == "__main__":
    main()
