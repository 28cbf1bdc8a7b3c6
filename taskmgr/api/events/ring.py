"""Keeps the newest events of the feed, written once for all clients."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from taskmgr.api.input import strict_json
from taskmgr.api.schemas.feed import FeedEntryOut
from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.feed_position import FeedPosition
from taskmgr.domain.ports.feed import FeedEntry
from taskmgr.domain.services.visible_changes import without_emails

MAX_EVENTS = 4_096
MAX_BYTES = 8 * 1024 * 1024
_ENTRY = FeedEntryOut()


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event: the text that clients get, with e-mail addresses and without, and what filters look at."""

    position: FeedPosition
    change: Change
    text: bytes
    text_without_emails: bytes

    @property
    def size(self) -> int:
        """Returns the bytes of its texts."""
        return len(self.text) + len(self.text_without_emails)


def event_text(entry: FeedEntry) -> bytes:
    """Returns an entry as a server-sent event: its position, its kind and the item of `/changes`."""
    data = strict_json.dumps(_ENTRY.dump(entry))
    position = FeedPosition.after(entry.seq, entry.hash)
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(position).encode(), entry.change.kind.encode(), data)


def event_of(entry: FeedEntry) -> FeedEvent:
    """Returns the event of an entry. Of the fields, only those are kept that filters look at."""
    change = entry.change
    text = hidden = event_text(entry)
    if change.entity == "user":
        hidden = event_text(replace(entry, change=without_emails(change)))
    if change.entity != "token":
        change = replace(change, before={}, after={})
    return FeedEvent(FeedPosition.after(entry.seq, entry.hash), change, text, hidden)


class Ring:
    """The newest events, from `start` to `end`. One thread appends, others read."""

    def __init__(self, start: FeedPosition) -> None:
        self.end = start
        # Replaced as a whole, so that readers in other threads see all or nothing: the start, the events, and
        # their numbers.
        self._content: tuple[FeedPosition, list[FeedEvent], list[int]] = (start, [], [])
        self._bytes = 0

    def append(self, events: Sequence[FeedEvent], end: FeedPosition) -> None:
        """Adds events, up to this position, and forgets the oldest ones beyond the limits."""
        start, present, _ = self._content
        kept = [*present, *events]
        self._bytes += sum(event.size for event in events)
        excess = 0
        while len(kept) - excess > MAX_EVENTS or (self._bytes > MAX_BYTES and excess < len(kept)):
            self._bytes -= kept[excess].size
            excess += 1
        if excess:
            start = kept[excess - 1].position
        kept = kept[excess:]
        self._content = (start, kept, [event.position.seq for event in kept])
        self.end = end

    def after(self, position: FeedPosition) -> list[FeedEvent] | None:
        """Returns the events after a position, or None if the ring does not have the position.

        It does not have positions before its start or after its end, or of another history.
        """
        start, events, numbers = self._content
        index = bisect_right(numbers, position.seq)
        if position not in (events[index - 1].position if index else start, self.end):
            return None
        return events[index:]
