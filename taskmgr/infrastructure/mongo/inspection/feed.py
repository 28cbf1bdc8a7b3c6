"""Checks the feed: its numbers and hashes, whether it has every entry of the log, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from mongoengine import Document

from taskmgr.domain.history.chain import GENESIS, canonical_json, next_hash, plain_entry
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.documents.feed import CheckpointDocument, FeedDocument, LeaseDocument
from taskmgr.infrastructure.mongo.inspection.entities import differing_fields
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.writing import validated_row

_BATCH = 1_000
# An entry that is older than the end of the feed by this much was not overtaken by others, but lost.
_LONGEST_COMMAND = timedelta(minutes=5)
_LONGEST_LAG = timedelta(minutes=1)
_LONGEST_LEASE = timedelta(minutes=10)
_REBUILD = "stop the service and drop the collections `feed` and `checkpoints`, which are then built anew"


def inspect_feed(snapshot: Snapshot, report: Report) -> None:
    """Reports what is wrong with the feed, its checkpoints and the leases."""
    end = _inspect_numbers(snapshot, report)
    running = _inspect_leases(snapshot, report)
    _inspect_checkpoints(snapshot, end, report)
    _inspect_lack(snapshot, report, running=running)


def _inspect_numbers(snapshot: Snapshot, report: Report) -> int:
    """Reports gaps, altered entries and entries that the log lacks; returns the last number."""
    rows = snapshot.rows("feed", {"_id": {"$type": ["int", "long"]}})
    last, previous = 0, GENESIS
    while batch := list(islice(rows, _BATCH)):
        ids = [row.get("entry") for row in batch]
        entries = {row["_id"]: row for row in snapshot.rows("activity", {"_id": {"$in": ids}})}
        for row in batch:
            seq, subject = row["_id"], f"feed {row['_id']}"
            if seq != last + 1:
                report(subject, "feed_gap", f"The numbers before it are missing, from {last + 1} on.")
            _check_form(FeedDocument, row, subject, report)
            entry = entries.get(row.get("entry"))
            if entry is None:
                report(subject, "feed_gone", f"The log lacks its entry {row.get('entry')}: {_REBUILD}.")
            elif seq == last + 1 and _hash(previous, entry) != row.get("hash"):
                detail = f"Its hash does not follow from entry {row['entry']} of the log and the hash before."
                report(subject, "feed_chain", detail)
            last, previous = seq, row.get("hash") or GENESIS
    for row in snapshot.rows("feed", {"_id": {"$not": {"$type": ["int", "long"]}}}):
        report(f"feed {row['_id']!r}", "foreign", "It was not written by taskmgr: its id is not a number.")
    return last


def _hash(previous: bytes, entry: Row) -> bytes | None:
    """Returns the hash of an entry of the log, or None if the entry cannot be read."""
    try:
        return next_hash(previous, canonical_json(plain_entry(mappers.change(entry))))
    except UNREADABLE:
        return None


def _check_form(document: type[Document], row: Row, subject: str, report: Report) -> bool:
    """Reports a row that this release cannot read or would store differently; returns True if it can."""
    values = {name: row[field.db_field] for name, field in document._fields.items() if field.db_field in row}
    try:
        expected = validated_row(Draft(document, values))
    except UNREADABLE as error:
        report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
        return False
    if names := differing_fields(row, expected):
        report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
    return True


def _inspect_checkpoints(snapshot: Snapshot, end: int, report: Report) -> None:
    for row in snapshot.rows("checkpoints", {}):
        subject = f"checkpoint {row['_id']}"
        if _check_form(CheckpointDocument, row, subject, report) and row["seq"] > end:
            detail = f"It is at number {row['seq']}, but the feed ends with {end}: remove it."
            report(subject, "bad_value", detail)


def _inspect_leases(snapshot: Snapshot, report: Report) -> bool:
    """Returns True if a background process holds its lease."""
    now, running = datetime.now(UTC), False
    for row in snapshot.rows("leases", {}):
        subject = f"lease {row['_id']}"
        if not _check_form(LeaseDocument, row, subject, report):
            continue
        if row["until"] > now + _LONGEST_LEASE:
            detail = f"It is held until {row['until']:%Y-%m-%d}, and nobody else can take it: remove it."
            report(subject, "bad_value", detail)
        running = running or (row["_id"] == "background" and row["until"] > now)
    return running


def _inspect_lack(snapshot: Snapshot, report: Report, *, running: bool) -> None:
    """Reports entries that the feed lacks, except for those that it has not reached yet."""
    end = _end_time(snapshot)
    waiting, oldest = 0, datetime.max.replace(tzinfo=UTC)
    for entry in _lacking(snapshot):
        created_at = entry["_id"].generation_time
        if end is not None and created_at < end - _LONGEST_COMMAND:
            report(f"entry {entry['_id']}", "feed_missing", "The feed does not have it.")
        else:
            waiting, oldest = waiting + 1, min(oldest, created_at)
    if running and waiting and oldest < datetime.now(UTC) - _LONGEST_LAG:
        detail = (
            f"A background process runs, but does not append {waiting} entries of the log, the oldest of "
            f"{oldest:%Y-%m-%d %H:%M} UTC: look at the log of the service."
        )
        report("feed", "feed_lag", detail)


def _end_time(snapshot: Snapshot) -> datetime | None:
    """Returns when the last entry was appended, or None while the feed is compared with the log."""
    last = snapshot.database["feed"].find_one({}, sort=[("_id", -1)], session=snapshot.session)
    checkpoint = snapshot.database["checkpoints"].find_one({"_id": "feed"}, session=snapshot.session)
    if last is None or (checkpoint is not None and not checkpoint.get("token") and "token" not in last):
        return None
    at = last.get("at")
    return at if isinstance(at, datetime) else None


def _lacking(snapshot: Snapshot) -> Iterator[Mapping[str, Any]]:
    """Yields the ids of the entries that are not in the feed, from two indexes in the same order."""
    log, feed = snapshot.database["activity"], snapshot.database["feed"]
    entries = log.find({"_id": OBJECT_ID}, {"_id": True}, session=snapshot.session).sort("_id", 1)
    only_entry = {"entry": True, "_id": False}
    places = feed.find({"entry": OBJECT_ID}, only_entry, session=snapshot.session).sort("entry", 1)
    place = next(places, None)
    for entry in entries:
        while place is not None and place["entry"] < entry["_id"]:
            place = next(places, None)
        if place is None or place["entry"] != entry["_id"]:
            yield entry
