"""Bounds the streams of a worker, and ends those whose clients or rights are gone."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Set
from threading import Event, Lock, Thread

import structlog

from taskmgr.api.events.connection import bound_send_buffer, has_left, shut_down
from taskmgr.api.events.stream import EventStream, Source
from taskmgr.api.problems.codes import ApiError
from taskmgr.domain.history.feed_position import FeedPosition
from taskmgr.domain.model.errors import Unavailable
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services.identity import Identity
from taskmgr.domain.services.sessions import SessionService
from taskmgr.domain.services.tokens import TokenService
from taskmgr.metrics.instruments import EVENT_STREAMS

MAX_STREAMS = 4_000  # per worker
MAX_STREAMS_OF_TOKEN = 20  # per worker
MAX_SILENCE = 30.0  # seconds for which a client may take nothing
_INTERVAL = 1.0  # seconds
_RIGHTS_EVERY = 2  # intervals

_access = structlog.get_logger("taskmgr.access")
_log = structlog.get_logger("taskmgr.events")


class StreamMinder:
    """Knows the open streams of a worker. Its thread runs while there are any."""

    def __init__(self, source: Source, tokens: TokenService, sessions: SessionService) -> None:
        self.hub = source.hub
        self._source = source
        self._tokens = tokens
        self._sessions = sessions
        self._lock = Lock()
        self._streams: set[EventStream] = set()
        self._of_token: Counter[str] = Counter()
        self._thread: Thread | None = None
        self._stopping = Event()

    def open(
        self,
        query: ActivityQuery,
        position: FeedPosition,
        *,
        identity: Identity,
        request_id: str,
        connection: socket.socket | None,
    ) -> EventStream:
        """Returns a new stream. Raises `too_many_requests`, and `unavailable` if there is no room."""
        token_id = identity.credential.id
        with self._lock:
            self._require_room(token_id)
            stream = EventStream(
                self._source, identity, query, position, request_id, connection, closed=self._remove
            )
            self._streams.add(stream)
            self._of_token[token_id] += 1
            EVENT_STREAMS.inc()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="stream-minder", daemon=True)
                self._thread.start()
        self.hub.enter()
        bound_send_buffer(connection)
        return stream

    def _require_room(self, token_id: str) -> None:
        if self._stopping.is_set():
            raise ApiError("unavailable", "The service is stopping. Connect again.")
        if self._of_token[token_id] >= MAX_STREAMS_OF_TOKEN:
            detail = f"A token may have {MAX_STREAMS_OF_TOKEN} event streams open. Close one of them."
            raise ApiError("too_many_requests", detail, headers={"Retry-After": "10"})
        if len(self._streams) >= MAX_STREAMS:
            raise ApiError("unavailable", f"A worker can have {MAX_STREAMS} event streams open.")

    def _remove(self, stream: EventStream) -> None:
        """Removes a stream that has ended, and logs it."""
        with self._lock:
            if stream not in self._streams:
                return
            self._streams.discard(stream)
            token_id = stream.identity.credential.id
            self._of_token[token_id] -= 1
            EVENT_STREAMS.dec()
            if not self._of_token[token_id]:
                del self._of_token[token_id]
        self.hub.leave()
        _access.info(
            "event stream ended",
            request_id=stream.request_id,
            by=stream.identity.actor.id,
            seconds=round(time.monotonic() - stream.started, 1),
            events=stream.events,
            reason=stream.end_reason,
        )

    def stop(self) -> None:
        """Ends all streams at once, and makes those who wait for changes stop waiting."""
        self._stopping.set()
        self.hub.stop()
        self._end(lambda _: "the service is stopping")

    def _run(self) -> None:
        turn = 0
        while not self._stopping.wait(_INTERVAL):
            with self._lock:
                if not self._streams:
                    self._thread = None
                    return
            turn += 1
            self._end(_reason_to_end)
            if turn % _RIGHTS_EVERY == 0:
                self._end_without_rights()

    def _end_without_rights(self) -> None:
        identities = {stream.identity.credential.id: stream.identity for stream in list(self._streams)}
        try:
            changed = self._find_changed(list(identities.values()))
        except Unavailable:  # then nobody can lose a right either
            return
        except Exception as error:  # noqa: BLE001 - the next turn tries it again
            _log.error("the rights of streams could not be checked", exc_info=error)
            return
        if changed:
            self._end(
                lambda s: "the caller has lost its rights" if s.identity.credential.id in changed else None
            )

    def _find_changed(self, identities: Collection[Identity]) -> Set[str]:
        """Returns the ids of the tokens and sessions whose callers no longer have the same rights."""
        by_token = [one for one in identities if one.actor.token_id is not None]
        by_session = [one for one in identities if one.actor.session_id is not None]
        return self._tokens.find_changed(by_token) | self._sessions.find_changed(by_session)

    def _end(self, find_reason: Callable[[EventStream], str | None]) -> None:
        """Ends the streams for which there is a reason."""
        has_ended = False
        for stream in list(self._streams):
            reason = find_reason(stream)
            if reason is not None:
                stream.end_reason = stream.end_reason or reason
                has_ended = True
                if stream.writing_since is not None:
                    shut_down(stream.socket)
        if has_ended:
            self.hub.wake()


def _reason_to_end(stream: EventStream) -> str | None:
    if stream.writing_since is not None:
        is_slow = time.monotonic() - stream.writing_since > MAX_SILENCE
        return "the client takes nothing" if is_slow else None
    return "the client has left" if has_left(stream.socket) else None
