"""Converts sessions, passwords, links and accounts."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from taskmgr.domain.model.account import Account
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.session import Session
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.sign_in import (
    AccountDocument,
    LinkDocument,
    PasswordDocument,
    SessionDocument,
)
from taskmgr.infrastructure.mongo.mappers.rows import Row


def session_document(session: Session, secret_hash: bytes) -> Draft:
    return draft_of(
        SessionDocument,
        id=ObjectId(session.id),
        user_id=ObjectId(session.user_id),
        user_agent=session.user_agent,
        address=session.address,
        secret_hash=secret_hash,
        created_at=session.created_at,
        expires_at=session.expires_at,
        last_used_at=session.last_used_at,
    )


def session(row: Row) -> Session:
    return Session(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        user_agent=row["user_agent"],
        address=row["address"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def password_document(user_id: str, password_hash: str, set_at: datetime) -> Draft:
    return draft_of(PasswordDocument, id=ObjectId(user_id), hash=password_hash, set_at=set_at)


def link_document(link: Link, secret_hash: bytes) -> Draft:
    return draft_of(
        LinkDocument,
        id=ObjectId(link.id),
        user_id=ObjectId(link.user_id),
        created_by=link.created_by,
        secret_hash=secret_hash,
        created_at=link.created_at,
        expires_at=link.expires_at,
    )


def link(row: Row) -> Link:
    return Link(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def account_document(account: Account) -> Draft:
    return draft_of(
        AccountDocument,
        id=ObjectId(account.id),
        user_id=ObjectId(account.user_id),
        issuer=account.issuer,
        subject=account.subject,
        created_at=account.created_at,
    )


def account(row: Row) -> Account:
    return Account(
        id=str(row["_id"]),
        user_id=str(row["user_id"]),
        issuer=row["issuer"],
        subject=row["subject"],
        created_at=row["created_at"],
    )
