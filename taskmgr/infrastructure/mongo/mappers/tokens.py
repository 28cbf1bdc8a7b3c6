"""Converts tokens."""

from __future__ import annotations

from bson import ObjectId

from taskmgr.domain.model.token import Token
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.tokens import TokenDocument
from taskmgr.infrastructure.mongo.mappers.rows import Row


def token_document(token: Token, secret_hash: bytes) -> Draft:
    return draft_of(
        TokenDocument,
        id=ObjectId(token.id),
        user_id=ObjectId(token.user_id),
        name=token.name,
        scopes=None if token.scopes is None else list(token.scopes),
        secret_hash=secret_hash,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def token(row: Row) -> Token:
    scopes = row["scopes"]
    return Token(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        name=row["name"],
        scopes=None if scopes is None else tuple(scopes),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
