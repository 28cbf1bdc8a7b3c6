"""Sends single commands to a MongoDB server over its Unix socket, without the threads of a client.

The threads of a `MongoClient` outlive its `close` by up to a second. The service forks its workers right
after starting the server, and under gevent each worker would continue with a copy of these threads.
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
    """The server refused the command, or it did not answer: then `code` is None."""

    def __init__(self, text: str, code: int | None = None) -> None:
        self.code = code
        super().__init__(text)


def ask(address: Path, command: Mapping[str, Any], *, seconds: float = 2.0) -> dict[str, Any]:
    """Runs a command on the `admin` database and returns the reply.

    Raises `CommandFailed` if the server refuses it, or sends nothing for `seconds`.
    """
    body = _FLAGS_AND_KIND + bson.encode({**command, "$db": "admin"})
    try:
        reply = _exchange(address, _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body, seconds)
    except (OSError, EOFError) as error:
        raise CommandFailed(f"{address}: {error}") from error
    if not reply.get("ok"):
        raise CommandFailed(str(reply.get("errmsg")), reply.get("code"))
    return reply


def _exchange(address: Path, message: bytes, seconds: float) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(address))
        connection.sendall(message)
        with connection.makefile("rb") as stream:
            header = stream.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise EOFError("the server closed the connection")
            body = stream.read(_HEADER.unpack(header)[0] - _HEADER.size)
    return bson.decode(body[len(_FLAGS_AND_KIND) :])
