"""Appends the entries of the log to the feed, in the order in which they were committed.

The order of ids and times is not that of the commits: a command may be committed after a later one, so
"everything after the last id" would leave out entries. A counter in each transaction would make all writers
wait for each other. The sequencer therefore follows the log with a change stream.

Several sequencers may run at once: the numbers of the feed are unique, so only one of two that append the
same number succeeds, and the other reads the end of the feed again. The token to go on with is stored in the
feed's last document, together with the entry, so a killed sequencer neither loses nor repeats an entry.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, cast

import structlog
from bson import ObjectId, Timestamp
from pymongo import ReadPreference
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taskmgr.domain.history.chain import canonical_json, next_hash, plain_entry
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.ports.feed import FeedHead
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.client import renewing_connections, with_any_text
from taskmgr.infrastructure.mongo.driver_errors import error_codes, translated_errors
from taskmgr.infrastructure.mongo.feed.insert_stream import MAX_BATCH, CannotResume, InsertStream, Token
from taskmgr.infrastructure.mongo.feed.missing_entries import find_missing
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.repositories.feed import read_head

CHECKPOINT_ID = "feed"
# Seconds without an entry after which the token is stored by itself. The oplog is kept for much longer, and
# each write makes the next request of every list read it anew.
_CHECKPOINT_INTERVAL = 60.0
_PAUSE_AFTER_COLLISION = 0.005  # seconds
_DUPLICATE_KEY = 11000

_log = structlog.get_logger("taskmgr.feed")


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry that is to be appended: its id, its canonical form, and the token after it, if known."""

    id: ObjectId
    canonical: bytes
    token: Token | None


class Sequencer:
    """Follows the log and appends to the feed.

    `stream_database` is the same database, on a client without `timeoutMS`. `admit` raises `Unavailable`
    while this process must not write; it is called before each append and each comparison of the log with the
    feed, and `appended` after each append.
    """

    name = "sequencer"

    def __init__(
        self,
        database: Database[Any],
        stream_database: Database[Any],
        *,
        admit: Callable[[], None] = lambda: None,
        appended: Callable[[], None] = lambda: None,
    ) -> None:
        # A number or a token that only the primary has may be rolled back by a failover, after which the
        # driver repeats an insert on the new primary: the numbers would have a gap there.
        concerns: dict[str, Any] = {
            "read_concern": ReadConcern("majority"),
            "write_concern": WriteConcern("majority"),
            "read_preference": ReadPreference.PRIMARY,
        }
        self._database = database
        self._activity = with_any_text(stream_database["activity"])
        self._feed: Collection[Any] = database.get_collection("feed", **concerns)
        self._checkpoints: Collection[Any] = database.get_collection("checkpoints", **concerns)
        self._admit = admit
        self._appended = appended
        self._head: FeedHead | None = None  # None if it has to be read
        self._next_checkpoint = 0.0

    def run(self, stop: Event) -> None:
        """Appends entries until `stop` is set. Raises `Unavailable`; run it again after a pause."""
        self._head = None
        with translated_errors(), renewing_connections(self._database.client):
            start: Token | Timestamp | None = self._stored_token()
            while not stop.is_set():
                if start is None:
                    start = self._append_missing()
                try:
                    with InsertStream(self._activity, start) as stream:
                        self._follow(stream, stop)
                except CannotResume as error:
                    _log.warning("the log is compared with the feed", reason=str(error))
                    start = self._head = None  # after a restore, the feed has another end

    def _follow(self, stream: InsertStream, stop: Event) -> None:
        """Appends what the stream has. A resumed one begins with the past, as the oplog has it.

        The oplog may have entries that the log lacks: those after the time of a restored backup.
        """
        self._next_checkpoint = 0.0  # the first token of a new stream is stored at once
        while not stop.is_set():
            batch = stream.next_batch()
            if batch.documents:
                entries = [_entry(row, token) for row, token in batch.documents]
                self._append(self._existing(entries) if batch.is_past else entries)
                self._next_checkpoint = time.monotonic() + _CHECKPOINT_INTERVAL
            elif time.monotonic() >= self._next_checkpoint:
                self._store_checkpoint(batch.token)

    def _existing(self, entries: Sequence[_Entry | None]) -> list[_Entry | None]:
        """Returns the entries that the log has."""
        ids = [entry.id for entry in entries if entry is not None]
        rows = self._database["activity"].find({"_id": {"$in": ids}}, {"_id": True})
        existing = {row["_id"] for row in rows}
        return [entry for entry in entries if entry is not None and entry.id in existing]

    def _append(self, entries: Sequence[_Entry | None]) -> None:
        """Appends entries that the feed may have; the readable ones among them."""
        remaining = [entry for entry in entries if entry is not None]
        while remaining:
            self._admit()
            head = self._head or read_head(self._feed)
            self._head = None  # unknown unless the append succeeds
            rows = _chained(head, remaining)
            try:
                self._feed.insert_many(rows)
            except BulkWriteError as error:
                if error_codes(error) != {_DUPLICATE_KEY}:
                    raise
                time.sleep(_PAUSE_AFTER_COLLISION)  # until a majority has stored what the other has appended
                remaining = self._lacking(remaining)
                continue
            last = rows[-1]
            self._head = FeedHead(seq=last["_id"], hash=last["hash"], at=last["at"])
            self._appended()
            return

    def _lacking(self, entries: Sequence[_Entry]) -> list[_Entry]:
        """Returns the entries that the feed does not have."""
        rows = self._feed.find({"entry": {"$in": [entry.id for entry in entries]}}, {"entry": True})
        existing = {row["entry"] for row in rows}
        return [entry for entry in entries if entry.id not in existing]

    def _append_missing(self) -> Timestamp:
        """Appends what the feed lacks as of a moment, found by comparing it with the log; returns the moment.

        This is needed at the first start on an existing log, after the oplog has passed the stored token,
        and after a backup has been restored.
        """
        self._admit()
        with self._database.client.start_session() as session:
            self._store_checkpoint(None, session)
            moment = cast("Timestamp", session.operation_time)  # that of the write
        count = 0
        for rows in find_missing(self._database, moment):
            self._append([_entry(row, None) for row in rows])
            count += len(rows)
        if count > MAX_BATCH:  # fewer are nothing that an operator has to know
            _log.info("appended to the feed", entries=count)
        return moment

    def _stored_token(self) -> Token | None:
        """Returns the latest stored token; None if there is none, or if it is older than an append."""
        last = self._feed.find_one({}, {"token": True}, sort=[("_id", -1)]) or {"_id": 0}
        checkpoint = self._checkpoints.find_one({"_id": CHECKPOINT_ID}) or {"seq": -1}
        latest: Mapping[str, Any] = checkpoint if checkpoint["seq"] >= last["_id"] else last
        return latest.get("token")

    def _store_checkpoint(self, token: Token | None, session: ClientSession | None = None) -> None:
        head = self._head or read_head(self._feed)
        row = {"seq": head.seq, "token": token, "at": utc_now()}
        self._checkpoints.replace_one({"_id": CHECKPOINT_ID}, row, upsert=True, session=session)
        self._next_checkpoint = time.monotonic() + _CHECKPOINT_INTERVAL


def _entry(row: Mapping[str, Any], token: Token | None) -> _Entry | None:
    """Returns the entry of a row of the log, or None if it cannot be read: `taskmgr log verify` names it."""
    try:
        return _Entry(row["_id"], canonical_json(plain_entry(mappers.change(row))), token)
    except UNREADABLE as error:
        _log.error(
            "an entry of the log cannot be read", entry=str(row.get("_id")), reason=type(error).__name__
        )
        return None


def _chained(head: FeedHead, entries: Sequence[_Entry]) -> list[dict[str, Any]]:
    """Returns the documents of entries that are appended after a head."""
    rows, digest, at = [], head.hash, utc_now()
    for seq, entry in enumerate(entries, head.seq + 1):
        digest = next_hash(digest, entry.canonical)
        row = {"_id": seq, "entry": entry.id, "at": at, "hash": digest}
        rows.append(row if entry.token is None else {**row, "token": entry.token})
    return rows
