"""Encodes places in a list as cursors, each of which is valid for one filter and sort only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from taskmgr.api.problems.codes import ApiError
from taskmgr.domain.model.errors import FieldError
from taskmgr.domain.queries.pages import Position

MAX_LENGTH = 2_000  # characters; the longest sort key is `title_key`
_MAC_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursors:
    """Encodes and decodes positions. The signature covers the query, which the cursor does not contain."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"cursor:" + secret_key.encode()).digest()

    def encode(self, position: Position | None, query: object) -> str | None:
        """Returns the cursor of a position in the results of a query; None if there is no next page."""
        if position is None:
            return None
        payload = orjson.dumps([*map(_encoded, position.keys), position.id])
        return base64.urlsafe_b64encode(self._mac(payload, query) + payload).decode().rstrip("=")

    def decode(self, cursor: str, query: object) -> Position:
        """Returns the position. Raises `malformed` for anything but a cursor of this query."""
        data = _bytes(cursor)
        mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, query)):
            raise _bad_cursor()
        *keys, position_id = orjson.loads(payload)
        return Position(tuple(map(_decoded, keys)), position_id)

    def _mac(self, payload: bytes, query: object) -> bytes:
        message = repr(query).encode("utf-8", "surrogatepass") + b"\0" + payload
        return hashlib.blake2b(message, key=self._key, digest_size=_MAC_BYTES).digest()


def _bytes(cursor: str) -> bytes:
    if len(cursor) > MAX_LENGTH:
        raise _bad_cursor()
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad_cursor() from error


def _bad_cursor() -> ApiError:
    detail = "The cursor does not belong to this list with these filters and this sort."
    error = FieldError(location="query.cursor", code="bad_cursor", detail=detail)
    return ApiError("malformed", detail, errors=[error])


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"ms": (value - _EPOCH) // timedelta(milliseconds=1)}
    return value


def _decoded(value: Any) -> Any:
    return _EPOCH + timedelta(milliseconds=value["ms"]) if isinstance(value, dict) else value
