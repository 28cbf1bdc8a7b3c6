"""Cursors: a place in a list as an opaque text, good for the very filter and sort that it came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import orjson

from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.queries.pages import Position
from taskmgr.domain.queries.task_query import TaskQuery

_MAC_BYTES = 16
LONGEST = 2_000  # characters; `title_key` is the longest of the sort keys
_VALUES = attrgetter(*(field.name for field in fields(TaskQuery)))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursors:
    """Encodes and decodes positions; the signature covers the query, which itself is not inside."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"cursor:" + secret_key.encode()).digest()

    def encode(self, position: Position | None, query: object) -> str | None:
        """The text for a position in the answer to a query."""
        if position is None:
            return None
        payload = orjson.dumps([*map(_plain, position.keys), position.id])
        return base64.urlsafe_b64encode(self._mac(payload, query) + payload).decode().rstrip("=")

    def decode(self, text: str, query: object) -> Position:
        """The position. Raises `BadValue` for anything but a cursor of this query."""
        data = _bytes(text)
        mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, query)):
            raise _foreign()
        *keys, key_id = orjson.loads(payload)
        return Position(tuple(map(_typed, keys)), key_id)

    def _mac(self, payload: bytes, query: object) -> bytes:
        # The values alone: a dataclass takes its time to tell its fields' names as well.
        told = _VALUES(query) if isinstance(query, TaskQuery) else query
        message = repr(told).encode("utf-8", "surrogatepass") + b"\0" + payload
        return hashlib.blake2b(message, key=self._key, digest_size=_MAC_BYTES).digest()


def _bytes(text: str) -> bytes:
    try:
        if len(text) > LONGEST:
            raise _foreign()
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _foreign() from error


def _foreign() -> BadValue:
    return BadValue("bad_cursor", "This is no cursor of this list with these filters and this sort.")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"ms": (value - _EPOCH) // timedelta(milliseconds=1)}
    return value


def _typed(value: Any) -> Any:
    return _EPOCH + timedelta(milliseconds=value["ms"]) if isinstance(value, dict) else value
