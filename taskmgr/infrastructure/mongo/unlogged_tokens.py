"""Adds the missing log entries of tokens that earlier releases created without logging them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.token import Token
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.store import new_id
from taskmgr.infrastructure.mongo.writing import validated_row

_BY = "system:migration"


def log_tokens(database: Database[Any]) -> int:
    """Appends `token.created` for every token without an entry, and returns the number of these tokens.

    The entry contains the token as it is stored now, and has the time of the token's creation. If another
    migration has just appended an entry, the unique index on entity and version refuses a second one.
    """
    change_set, count = new_id(), 0
    for token in _unlogged(database):
        entry = Change(
            id=new_id(), at=token.created_at, by=_BY, change_set=change_set, entity="token",
            entity_id=token.id, kind="token.created", before={}, after=logged_fields(token), reason=None,
            override=False, version=token.version,
        )  # fmt: skip
        with suppress(DuplicateKeyError):
            database["activity"].insert_one(validated_row(mappers.change_document(entry)))
            count += 1
    return count


def _unlogged(database: Database[Any]) -> Iterator[Token]:
    for row in database["tokens"].find({"_id": {"$type": "objectId"}}).sort("_id", 1):
        if database["activity"].find_one({"entity": "token", "entity_id": row["_id"]}, {"_id": True}):
            continue
        with suppress(*UNREADABLE):  # `taskmgr doctor` reports unreadable tokens
            token = mappers.token(row)
            validated_row(mappers.token_document(token, row["secret_hash"]))
            yield token
