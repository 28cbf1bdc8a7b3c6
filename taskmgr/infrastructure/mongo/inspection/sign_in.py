"""Checks sessions, sign-in links, accounts, passwords and counted attempts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from mongoengine import Document

from taskmgr.domain.model.account import Account
from taskmgr.domain.model.link import Link
from taskmgr.domain.model.session import Session
from taskmgr.domain.model.user import User
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.documents.sign_in import AttemptDocument, PasswordDocument
from taskmgr.infrastructure.mongo.inspection.entities import differing_fields
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.writing import validated_row

_HASH_LENGTH = 32  # bytes of SHA-256
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PASSWORD_HASH = "$argon2id$"  # noqa: S105 - how a hash begins


def inspect_secret_hashes(snapshot: Snapshot, collection: str, report: Report) -> None:
    """Reports tokens, sessions or links whose hash cannot be that of a secret."""
    for row in snapshot.rows(collection, {"_id": OBJECT_ID, "secret_hash": {"$type": "binData"}}):
        if len(row["secret_hash"]) != _HASH_LENGTH:
            detail = f"Its secret_hash does not have {_HASH_LENGTH} bytes."
            report(f"{collection.removesuffix('s')} {row['_id']}", "bad_value", detail)


def inspect_sessions(sessions: Iterable[Session], users: Mapping[str, User], report: Report) -> None:
    """Reports sessions whose owner or times no command could have stored."""
    for session in sessions:
        if session.user_id not in users:
            report(f"session {session.id}", "unknown_user", f"Its user {session.user_id} does not exist.")
        if not session.created_at <= session.last_used_at < session.expires_at:
            detail = "It was used before it was created, or after it had expired."
            report(f"session {session.id}", "times", detail)


def inspect_links(links: Iterable[Link], users: Mapping[str, User], report: Report) -> None:
    """Reports links whose user or times no command could have stored."""
    for link in links:
        if link.user_id not in users:
            report(f"link {link.id}", "unknown_user", f"Its user {link.user_id} does not exist.")
        if link.expires_at <= link.created_at:
            report(f"link {link.id}", "times", "It expired before it was created.")


def inspect_accounts(accounts: Iterable[Account], users: Mapping[str, User], report: Report) -> None:
    """Reports accounts that no command could have linked."""
    first_ids: dict[tuple[str, str], str] = {}
    for account in accounts:
        if account.user_id not in users:
            report(f"account {account.id}", "unknown_user", f"Its user {account.user_id} does not exist.")
        first = first_ids.setdefault((account.issuer, account.subject), account.id)
        if first != account.id:
            detail = f"The account {first} has the same issuer and subject."
            report(f"account {account.id}", "duplicate", detail)


def inspect_passwords(snapshot: Snapshot, users: Mapping[str, User], report: Report) -> None:
    """Reports passwords that no command could have stored, and those that are missing."""
    missing = {user.id for user in users.values() if user.password_set_at is not None}
    for row in _readable_rows(snapshot, "passwords", PasswordDocument, report):
        subject, user = f"password {row['_id']}", users.get(str(row["_id"]))
        missing.discard(str(row["_id"]))
        if user is None:
            report(subject, "unknown_user", f"The user {row['_id']} does not exist.")
        elif not _is_same_time(row["set_at"], user.password_set_at):
            report(subject, "log_state", "Its set_at is not the time that its user and the log have.")
        if not row["hash"].startswith(_PASSWORD_HASH):
            report(subject, "bad_value", "Its hash is not one of Argon2id.")
    for user_id in sorted(missing):
        report(f"password {user_id}", "gone", "It does not exist, but its user has chosen one.")


def _is_same_time(stored: datetime, set_at: datetime | None) -> bool:
    return set_at is not None and stored.replace(tzinfo=None) == set_at.replace(tzinfo=None)


def inspect_attempts(snapshot: Snapshot, report: Report) -> None:
    """Reports counts of attempts that no request could have stored."""
    for row in _readable_rows(snapshot, "attempts", AttemptDocument, report):
        if not _DIGEST.fullmatch(str(row["_id"])):
            report(f"attempt {row['_id']}", "bad_value", "Its id is not a digest.")


def _readable_rows(
    snapshot: Snapshot, collection: str, document: type[Document], report: Report
) -> Iterator[Row]:
    """Yields the rows that can be read; reports what is wrong with the stored form of each."""
    for row in snapshot.rows(collection, {}):
        subject = f"{collection.removesuffix('s')} {row['_id']}"
        by_field = {name: row.get(field.db_field) for name, field in document._fields.items()}
        try:
            expected = validated_row(Draft(document, by_field))
        except UNREADABLE as error:
            report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
            continue
        if names := differing_fields(row, expected):
            report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
        yield row
