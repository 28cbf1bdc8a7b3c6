"""The feed: the entries of the log in the order in which they were committed, numbered without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from taskmgr.domain.history.chain import GENESIS
from taskmgr.domain.history.changes import Change
from taskmgr.domain.queries.activity_query import ActivityQuery


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedHead:
    """The end of the feed: the number and the hash of its last entry, and when it was appended.

    The head of an empty feed has the number 0, the hash `GENESIS` and no time.
    """

    seq: int
    hash: bytes
    at: datetime | None


EMPTY_FEED = FeedHead(seq=0, hash=GENESIS, at=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEntry:
    """An entry of the log with its number in the feed (1, 2, 3, …) and its hash in the chain."""

    seq: int
    hash: bytes
    change: Change


class FeedRepository(Protocol):
    """Reads the feed. Only the sequencer appends to it."""

    def head(self) -> FeedHead:
        """Returns the end of the feed."""

    def hash_at(self, seq: int) -> bytes | None:
        """Returns the hash of the entry with this number, `GENESIS` for 0, or None beyond the head."""

    def read(self, after: int, *, limit: int, query: ActivityQuery = ActivityQuery()) -> FeedPart:
        """Returns those of the next `limit` entries after a number that match, in the feed's order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPart:
    """A part of the feed: the entries in it that match a query, and the number of the part's last entry.

    `last` is the number after which the part begins if nothing follows it. `hash` is that of the entry
    `last`, or None if the part has no entries.
    """

    entries: Sequence[FeedEntry]
    last: int
    hash: bytes | None


class FeedStream(Protocol):
    """Tells when the feed grows, from its opening on. Raises `Unavailable` once it cannot go on."""

    def wait(self) -> bool:
        """Returns True as soon as the feed has grown, and False if it has not for about a second."""

    def close(self) -> None:
        """Ends the stream."""


class FeedStreams(Protocol):
    """Opens streams."""

    def open(self) -> FeedStream:
        """Returns a stream that tells of everything that is appended from now on. Raises `Unavailable`."""
