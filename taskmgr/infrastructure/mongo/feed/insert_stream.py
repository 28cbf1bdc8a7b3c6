"""Reads the documents that are inserted into a collection, in the order in which they are committed.

A change stream delivers only what a majority of the replica set has stored, in commit order and without
gaps. It is read here by plain commands, because the driver's own cursor hands out one document at a time and
does not tell whether more are at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bson import Timestamp
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from taskmgr.infrastructure.mongo.client import first_line, renewing_connections
from taskmgr.infrastructure.mongo.driver_errors import is_temporary

Token = Mapping[str, Any]

MAX_BATCH = 500
_MAX_WAIT = 1_000  # milliseconds that the server waits for the next insert
# InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost
_CANNOT_RESUME_CODES = frozenset({260, 280, 286})
_CANNOT_RESUME_LABEL = "NonResumableChangeStreamError"
_CURSOR_NOT_FOUND = 43
_REFUSED_CODES = frozenset({13, 18})  # Unauthorized, AuthenticationFailed


class CannotResume(Exception):
    """The stream cannot go on from its token: the oplog has passed it, or the collection was replaced."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The next inserted documents, each with the token to go on after it.

    `token` is the one to go on after all of them; it advances even if no document was inserted. `is_past` is
    True if one of them was inserted before the stream was opened.
    """

    documents: Sequence[tuple[Mapping[str, Any], Token]]
    token: Token
    is_past: bool


class InsertStream:
    """The inserts into a collection after a token, or from a moment on.

    The collection's client must have no `timeoutMS`, which would replace the time that the server waits for
    inserts. Raises the driver's errors; the caller then opens another stream.
    """

    def __init__(self, collection: Collection[Any], start: Token | Timestamp | None) -> None:
        """Opens the stream after a token, at a moment of the server's time, or with None from now on.

        Raises `CannotResume`.
        """
        self._collection = collection
        self._session = collection.database.client.start_session()
        self._cursor_id = 0
        try:
            reply = self._command({"aggregate": collection.name, **_open_options(start)})
            self._opened_at: Timestamp = reply["operationTime"]
        except BaseException as error:
            self._session.end_session()
            if isinstance(error, OperationFailure) and _is_about_token(error):
                raise CannotResume(first_line(error)) from error
            raise
        self._first: Batch | None = self._batch(reply, "firstBatch")

    def next_batch(self) -> Batch:
        """Returns the next inserts; waits up to a second for them. Raises `CannotResume`."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if not self._cursor_id:
            raise CannotResume("The collection was dropped or renamed.")
        reply = self._command(
            {
                "getMore": self._cursor_id, "collection": self._collection.name,
                "batchSize": MAX_BATCH, "maxTimeMS": _MAX_WAIT,
            }
        )  # fmt: skip
        return self._batch(reply, "nextBatch")

    def close(self) -> None:
        """Ends the stream."""
        if self._cursor_id:
            with suppress(PyMongoError, CannotResume):  # the server ends it after a while in any case
                self._command({"killCursors": self._collection.name, "cursors": [self._cursor_id]})
        self._session.end_session()

    def __enter__(self) -> InsertStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _command(self, command: dict[str, Any]) -> Mapping[str, Any]:
        database, options = self._collection.database, self._collection.codec_options
        try:
            with renewing_connections(database.client):
                reply: Mapping[str, Any] = database.command(
                    command, codec_options=options, session=self._session
                )
        except OperationFailure as error:
            if error.code in _CANNOT_RESUME_CODES or error.has_error_label(_CANNOT_RESUME_LABEL):
                raise CannotResume(first_line(error)) from error
            if error.code == _CURSOR_NOT_FOUND:  # another server has become the primary
                raise AutoReconnect(first_line(error)) from error
            raise
        return reply

    def _batch(self, reply: Mapping[str, Any], name: str) -> Batch:
        cursor = reply["cursor"]
        self._cursor_id = cursor["id"]
        events = [event for event in cursor[name] if event["operationType"] == "insert"]
        documents = [(event["fullDocument"], event["_id"]) for event in events]
        is_past = bool(events) and events[0]["clusterTime"] <= self._opened_at
        return Batch(documents, cursor["postBatchResumeToken"], is_past)


def _is_about_token(error: OperationFailure) -> bool:
    """Returns True if the server can never open the stream. Which codes this may have is not documented."""
    return error.code not in _REFUSED_CODES and not is_temporary(error)


def _open_options(start: Token | Timestamp | None) -> dict[str, Any]:
    option = "startAtOperationTime" if isinstance(start, Timestamp) else "resumeAfter"
    # An `invalidate` event, which ends the stream, passes every filter.
    stages = [
        {"$changeStream": {} if start is None else {option: start}},
        {"$match": {"operationType": {"$in": ["insert", "invalidate"]}}},
        {"$project": {"operationType": True, "fullDocument": True, "clusterTime": True}},
    ]
    return {
        "pipeline": stages,
        "cursor": {"batchSize": MAX_BATCH},
        "readConcern": {"level": "majority"},
    }
