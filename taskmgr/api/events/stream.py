"""One client's stream of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from threading import Semaphore
from typing import Any

from taskmgr.api.events.connection import is_backed_up, wait_until_writable
from taskmgr.api.events.hub import FeedHub
from taskmgr.api.events.ring import FeedEvent, event_text
from taskmgr.domain.history.feed_position import FeedPosition
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.services.feed import FeedService, ResyncRequired
from taskmgr.domain.services.identity import Identity
from taskmgr.domain.services.visible_changes import matches

HEARTBEAT = 15.0  # seconds
RETRY = 3_000  # milliseconds after which a client connects again
# Bytes, beyond which no event is added.
_MAX_CHUNK = 16 * 1024
_MAX_PAGE = 100  # entries
_PAUSE_WITHOUT_STORE = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Source:
    """Where streams take their events from. Reads of the database are limited by `readers`."""

    feed: FeedService
    hub: FeedHub
    readers: Semaphore


@dataclass(eq=False, slots=True)
class EventStream:
    """The body of a response: the events after a position, until the client leaves or the stream is ended.

    `query` must be that of `FeedService.start`. The server iterates over the stream, and blocks in between
    while the client does not read. `closed` is called at the end.
    """

    source: Source
    identity: Identity
    query: ActivityQuery
    position: FeedPosition
    request_id: str
    socket: Any  # the client's connection, or None
    closed: Callable[[EventStream], None]
    started: float = field(default_factory=time.monotonic)
    events: int = 0
    end_reason: str | None = None
    writing_since: float | None = None
    _unchecked: int = 0  # bytes sent since it was last checked whether the client takes them
    _page_size: int = _MAX_PAGE // 8

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks():
            self.writing_since = time.monotonic()
            yield chunk
            self.writing_since = None

    def close(self) -> None:
        """Called by the server once it does not iterate any more."""
        self.end_reason = self.end_reason or "the client has left"
        self.closed(self)

    @property
    def is_ended(self) -> bool:
        return self.end_reason is not None or self.source.hub.is_stopping

    def _chunks(self) -> Iterator[bytes]:
        yield b"retry: %d\n\n" % RETRY
        next_heartbeat = time.monotonic() + HEARTBEAT
        while not self.is_ended:
            chunk = self._next_chunk()
            if not chunk and time.monotonic() >= next_heartbeat:
                # Without `data`, it is no event, but the client notes the position.
                chunk = b"id: %s\n\n" % str(self.position).encode()
            if chunk:
                yield chunk
                self._unchecked += len(chunk)
                if self._unchecked >= _MAX_CHUNK:
                    self._unchecked = 0
                    yield (chunk := b"")  # makes the server let go of the chunk
                    self._wait_for_room()
                next_heartbeat = time.monotonic() + HEARTBEAT
            else:
                seconds = next_heartbeat - time.monotonic()
                self.source.hub.wait(self.position, seconds, unless=lambda: self.is_ended)

    def _wait_for_room(self) -> None:
        """Waits until the next chunk would be accepted, so that a blocked client has none in memory."""
        if is_backed_up(self.socket):
            self.writing_since = time.monotonic()
            wait_until_writable(self.socket)
            self.writing_since = None

    def _next_chunk(self) -> bytes:
        """Returns what comes next and advances the position; nothing if there is nothing yet."""
        ring = self.source.hub.ring
        if ring is None:
            return b""
        events = ring.after(self.position)
        if events is None:
            return self._read_page()
        return self._take((event.position, self._text(event)) for event in events)

    def _read_page(self) -> bytes:
        """Reads from the database what the ring does not have."""
        actor = self.identity.actor
        try:
            with self.source.readers:
                page = self.source.feed.changes(
                    self.query, since=self.position, limit=self._page_size, by=actor
                )
        except ResyncRequired:
            self.end_reason = "the feed has another history"
            return b""
        except Unavailable:
            time.sleep(_PAUSE_WITHOUT_STORE)
            return b""
        chunk = self._take((FeedPosition.after(e.seq, e.hash), event_text(e)) for e in page.items)
        if not page.items or self.position.seq == page.items[-1].seq:
            self.position = page.next
            self._page_size = min(2 * self._page_size, _MAX_PAGE)
        else:  # entries that were read in vain are read again
            self._page_size = self._page_size // 2 or 1
        return chunk

    def _take(self, events: Iterable[tuple[FeedPosition, bytes]]) -> bytes:
        """Joins the texts of events until the chunk is full, and advances the position over them."""
        texts: list[bytes] = []
        size = 0
        for self.position, text in events:
            if text:
                texts.append(text)
                size += len(text)
                if size >= _MAX_CHUNK:
                    break
        self.events += len(texts)
        return b"".join(texts)

    def _text(self, event: FeedEvent) -> bytes:
        """Returns what the client gets of an event: nothing if it does not match."""
        actor, change = self.identity.actor, event.change
        if not matches(self.query, change):
            return b""
        shows = change.entity != "user" or permissions.may_see_email(actor, change.entity_id)
        return event.text if shows else event.text_without_emails
