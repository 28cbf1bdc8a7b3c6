"""Follows the feed for all clients of a worker, while there are any."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event, Lock, Thread

import structlog

from taskmgr.api.events.ring import Ring, event_of
from taskmgr.domain.history.feed_position import FeedPosition
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.ports.feed import FeedRepository, FeedStream, FeedStreams
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services.visible_changes import matches

# Seconds without a client after which the stream is closed. Clients that wait come back at once.
_LINGER = 5.0
_PAUSE_AFTER_ERROR = 1.0  # seconds
_BATCH = 500

_log = structlog.get_logger("taskmgr.events")


class FeedHub:
    """One change stream and one ring of events for all clients of a worker.

    A client only holds its position. It takes from the ring what comes after that, and waits here for more.
    """

    def __init__(self, feed: FeedRepository, streams: FeedStreams) -> None:
        self._feed = feed
        self._streams = streams
        self._lock = Lock()
        self._clients = 0
        self._unused_since = 0.0
        self._thread: Thread | None = None
        self._change = Event()  # set, and replaced by a new one, to wake everybody who waits
        self.ring: Ring | None = None  # None until the stream has been opened
        self.is_stopping = False

    @contextmanager
    def following(self) -> Iterator[None]:
        """Keeps the ring filled inside the block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Counts a client, and begins to follow the feed if it is the first."""
        with self._lock:
            self._clients += 1
            if self._thread is None:
                self._thread = Thread(target=self._run, name="feed-hub", daemon=True)
                self._thread.start()

    def leave(self) -> None:
        """Counts a client less."""
        with self._lock:
            self._clients -= 1
            self._unused_since = time.monotonic()

    def stop(self) -> None:
        """Makes everybody stop waiting, because the worker is about to end."""
        self.is_stopping = True
        self.wake()

    def wake(self) -> None:
        """Wakes everybody who waits."""
        change, self._change = self._change, Event()
        change.set()

    def wait(self, position: FeedPosition, seconds: float, *, unless: Callable[[], bool]) -> None:
        """Waits for events after a position, at most this long, and not at all if `unless` returns True."""
        change = self._change  # first, so that nothing happens unnoticed in between
        if not self._has_after(position) and not self.is_stopping and not unless():
            change.wait(seconds)

    def wait_for_match(
        self, position: FeedPosition, query: ActivityQuery, *, deadline: float
    ) -> FeedPosition:
        """Waits for an event after a position that matches, until `deadline`, a reading of `monotonic`.

        Returns the position to read from: this one, or a later one if the events between do not match.
        """
        while True:
            ring = self.ring
            events = [] if ring is None else ring.after(position)
            if any(matches(query, event.change) for event in events or ()):
                return position
            if events is None and self._has_after(position):
                return position
            position = events[-1].position if events else position
            seconds = deadline - time.monotonic()
            if seconds <= 0 or self.is_stopping:
                return position
            self.wait(position, seconds, unless=lambda: False)

    def _has_after(self, position: FeedPosition) -> bool:
        return self.ring is not None and self.ring.end.seq > position.seq

    # --- the thread that fills the ring

    def _run(self) -> None:
        while self._is_used():
            try:
                with closing(self._streams.open()) as stream:
                    self._follow(stream)
            except Unavailable as error:
                _log.warning("the feed cannot be followed", reason=str(error))
                time.sleep(_PAUSE_AFTER_ERROR)
            except Exception as error:  # noqa: BLE001 - whatever it is, the clients wait for events
                _log.error("following the feed has failed and is tried again", exc_info=error)
                time.sleep(_PAUSE_AFTER_ERROR)

    def _follow(self, stream: FeedStream) -> None:
        """Fills the ring until nobody needs it."""
        ring = self._current_ring()
        self._read_on(ring)
        while self._is_used():
            if stream.wait() and not self._read_on(ring):
                ring = self._current_ring()
                self._read_on(ring)

    def _current_ring(self) -> Ring:
        """Returns the ring, or a new one if the feed has another history: a backup was restored."""
        ring = self.ring
        digest = None if ring is None else self._feed.hash_at(ring.end.seq)
        if ring is None or digest is None or FeedPosition.after(ring.end.seq, digest) != ring.end:
            head = self._feed.head()
            self.ring = ring = Ring(FeedPosition.after(head.seq, head.hash))
            self.wake()
        return ring

    def _read_on(self, ring: Ring) -> bool:
        """Adds what the feed has after the end of the ring; returns whether it has anything."""
        start = ring.end
        is_last = False
        while not is_last:
            part = self._feed.read(ring.end.seq, limit=_BATCH)
            if part.hash is None:
                break
            is_last = part.last < ring.end.seq + _BATCH
            ring.append(list(map(event_of, part.entries)), FeedPosition.after(part.last, part.hash))
            self.wake()
        return ring.end != start

    def _is_used(self) -> bool:
        """Returns False, and forgets the ring, if there has been no client for a while."""
        with self._lock:
            if self._clients or time.monotonic() < self._unused_since + _LINGER:
                return True
            self._thread = self.ring = None
            return False
