"""Converts users."""

from __future__ import annotations

from datetime import UTC, datetime

from bson import ObjectId

from taskmgr.domain.model.user import Kind, Role, User
from taskmgr.domain.model.values import email_key
from taskmgr.domain.queries.search import words_of
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.users import UserDocument
from taskmgr.infrastructure.mongo.mappers.rows import Row


def user_document(user: User) -> Draft:
    return draft_of(
        UserDocument,
        id=ObjectId(user.id),
        username=user.username,
        name=user.name,
        email=user.email,
        email_key=None if user.email is None else email_key(user.email),
        words=list(words_of(user.username, user.name)),
        role=user.role.value,
        kind=user.kind.value,
        active=user.active,
        created_at=user.created_at,
        updated_at=user.updated_at,
        version=user.version,
        password_set_at=user.password_set_at,
    )


def user(row: Row) -> User:
    return User(
        id=str(row["_id"]),
        username=row["username"],
        name=row["name"],
        email=row["email"],
        role=Role(row["role"]),
        kind=Kind(row["kind"]),
        active=row["active"],
        created_at=row["created_at"].replace(tzinfo=UTC),
        updated_at=row["updated_at"].replace(tzinfo=UTC),
        version=row["version"],
        password_set_at=_utc_or_none(row.get("password_set_at")),
    )


def _utc_or_none(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
