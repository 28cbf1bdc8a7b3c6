"""One command to a MongoDB server on its Unix socket, without a client's threads.

A `MongoClient` keeps threads that outlive its `close` by up to a second. Whoever starts the
embedded server forks its workers right after; under gevent each would go on with a copy of them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")  # length, request, response to, opcode
_OP_MSG = 2013  # https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
_FLAGS_AND_KIND = b"\0\0\0\0\0"  # no flag; one section, which is the command


class CommandFailed(Exception):
    """The server refused, with its `code`, or did not answer (None)."""

    def __init__(self, text: str, code: int | None = None) -> None:
        self.code = code
        super().__init__(text)


def ask(address: Path, command: Mapping[str, Any], *, seconds: float = 2.0) -> dict[str, Any]:
    """The answer to a command for the `admin` database.

    Raises `CommandFailed`, at the latest after `seconds` of silence.
    """
    body = _FLAGS_AND_KIND + bson.encode({**command, "$db": "admin"})
    try:
        answer = _exchanged(address, _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body, seconds)
    except (OSError, EOFError) as error:
        raise CommandFailed(f"{address}: {error}") from error
    if not answer.get("ok"):
        raise CommandFailed(str(answer.get("errmsg")), answer.get("code"))
    return answer


def _exchanged(address: Path, message: bytes, seconds: float) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(address))
        connection.sendall(message)
        with connection.makefile("rb") as stream:
            header = stream.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise EOFError("the server hung up")
            body = stream.read(_HEADER.unpack(header)[0] - _HEADER.size)
    return bson.decode(body[len(_FLAGS_AND_KIND) :])
