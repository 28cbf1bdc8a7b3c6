"""One client's stream of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Semaphore
from typing import Any

from taskmgr.api.events.hub import FeedHub
from taskmgr.api.events.ring import FeedEvent, Ring, event_text
from taskmgr.domain.history.feed_position import FeedPosition
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.services.feed import FeedService, ResyncRequired
from taskmgr.domain.services.identity import Identity
from taskmgr.domain.services.visible_changes import matches

HEARTBEAT = 15.0  # seconds
RETRY = 3_000  # milliseconds after which a client connects again
# What a client that does not read keeps in memory is at most this and one event.
_MAX_CHUNK = 16 * 1024
_PAGE = 100
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
    _ring: Ring | None = None  # the one whose history is known to be that of the position

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
                next_heartbeat = time.monotonic() + HEARTBEAT
            else:
                seconds = next_heartbeat - time.monotonic()
                self.source.hub.wait(self.position, seconds, unless=lambda: self.is_ended)

    def _next_chunk(self) -> bytes:
        """Returns what comes next and advances the position; nothing if there is nothing yet."""
        ring = self.source.hub.ring
        if ring is None:
            return b""
        events = ring.after(self.position) if ring is self._ring else None
        if events is None:
            return self._read_page(ring)
        chunks: list[bytes] = []
        size = 0
        for event in events:
            if size >= _MAX_CHUNK:
                break
            self.position = event.position
            if matches(self.query, event.change):
                chunks.append(self._text(event))
                size += len(chunks[-1])
        self.events += len(chunks)
        return b"".join(chunks)

    def _read_page(self, ring: Ring) -> bytes:
        """Reads from the database what the ring does not have, or checks that the history is the same."""
        actor = self.identity.actor
        try:
            with self.source.readers:
                page = self.source.feed.changes(self.query, since=self.position, limit=_PAGE, by=actor)
        except ResyncRequired:
            self.end_reason = "the feed has another history"
            return b""
        except Unavailable:
            time.sleep(_PAUSE_WITHOUT_STORE)
            return b""
        self.position, self._ring = page.next, ring
        self.events += len(page.items)
        return b"".join(map(event_text, page.items))

    def _text(self, event: FeedEvent) -> bytes:
        actor, change = self.identity.actor, event.change
        shows = change.entity != "user" or permissions.may_see_email(actor, change.entity_id)
        return event.text if shows else event.text_without_emails
