"""Checks tokens, stored responses, locks and `meta`, and finds documents that taskmgr has not written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mongoengine import Document

from taskmgr.domain.model import values
from taskmgr.domain.model.token import Token
from taskmgr.domain.services.projects import DEFAULT_LOCK
from taskmgr.domain.services.users import ADMINS_LOCK
from taskmgr.infrastructure.mongo.documents import DOCUMENTS
from taskmgr.infrastructure.mongo.documents.answers import AnswerDocument
from taskmgr.infrastructure.mongo.documents.draft import Draft
from taskmgr.infrastructure.mongo.inspection.entities import differing_fields
from taskmgr.infrastructure.mongo.inspection.sign_in import inspect_secret_hashes
from taskmgr.infrastructure.mongo.inspection.snapshot import OBJECT_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.schema_version import RESTORE_ID, SCHEMA_ID
from taskmgr.infrastructure.mongo.writing import validated_row

_LOCKS = (ADMINS_LOCK, DEFAULT_LOCK, "relations")  # earlier releases used `relations`
_RESTORES = {
    True: "A restore is replacing the data, or was interrupted: run `taskmgr db migrate`, which finishes it.",
    False: "A restore is running, or was interrupted before it changed anything: if none is running, run "
    "`taskmgr db migrate`, which removes what was loaded.",
}
_META_FIELDS = {"_id", "version", "time_zone", "finished"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
OUR_COLLECTIONS = frozenset({*(document._meta["collection"] for document in DOCUMENTS), "locks", "meta"})
_WITH_OBJECT_IDS = (
    "users",
    "projects",
    "tasks",
    "comments",
    "tokens",
    "sessions",
    "links",
    "accounts",
    "webhooks",
    "views",
)


def inspect_tokens(
    snapshot: Snapshot, tokens: Iterator[Token], users: frozenset[str], report: Report
) -> None:
    """Reports tokens whose owner, times or hashes no command could have stored."""
    for token in tokens:
        if token.user_id not in users:
            report(f"token {token.id}", "unknown_user", f"Its user {token.user_id} does not exist.")
        for detail in _check_times(token):
            report(f"token {token.id}", "times", detail)
    inspect_secret_hashes(snapshot, "tokens", report)


def _check_times(token: Token) -> Iterator[str]:
    if token.expires_at is not None and token.expires_at <= token.created_at:
        yield "It expired before it was created."
    if token.last_used_at is not None and token.last_used_at < token.created_at:
        yield "It was used before it was created."
    if token.last_used_at and token.expires_at and token.last_used_at >= token.expires_at:
        yield "It was used after it had expired."


def inspect_responses(snapshot: Snapshot, users: frozenset[str], report: Report) -> None:
    """Reports stored responses (`answers`) that no command could have stored."""
    for row in snapshot.rows("answers", {}):
        subject = f"answer {row['_id']}"
        try:
            expected = validated_row(Draft(AnswerDocument, _by_field(AnswerDocument, row)))
        except UNREADABLE as error:
            report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
            continue
        if names := differing_fields(row, expected):
            report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
        for detail in _check_response(row, users):
            report(subject, "bad_value", detail)


def _by_field(document: type[Document], row: Row) -> Mapping[str, Any]:
    return {name: row.get(field.db_field) for name, field in document._fields.items()}


def _check_response(row: Row, users: frozenset[str]) -> Iterator[str]:
    caller, status, headers = row.get("caller"), row.get("status"), row.get("headers")
    if not _DIGEST.fullmatch(str(row["_id"])):
        yield "Its id is not the digest of a key."
    if values.is_identifier(caller) and caller not in users:
        yield f"Its caller {caller} does not exist."
    elif not values.is_identifier(caller) and not str(caller).startswith("system:"):
        yield f"Its caller {caller!r} is neither a user nor a system process."
    if not isinstance(status, int) or not 200 <= status <= 599:
        yield f"Its status {status!r} is not an HTTP status."
    if not row.get("fingerprint"):
        yield "It has no fingerprint."
    if row.get("body") is None:
        yield "It has no body."
    if not isinstance(headers, Mapping):
        yield "It has no headers."
    elif any(not isinstance(text, str) for pair in headers.items() for text in pair):
        yield "Its headers are not text."


def inspect_locks(snapshot: Snapshot, report: Report) -> None:
    """Reports documents that are no lock of this service, or that hold anything but a counter."""
    for row in snapshot.rows("locks", {}):
        subject = f"lock {row['_id']}"
        if row["_id"] not in _LOCKS:
            report(subject, "foreign", f"It was not written by taskmgr: the locks are {', '.join(_LOCKS)}.")
        elif "touched" not in row or differing_fields(row, {"_id": row["_id"]}):
            report(subject, "stored_otherwise", "It is not stored as it should be: touched.")


def inspect_meta(snapshot: Snapshot, report: Report) -> None:
    """Reports everything in `meta` except for the schema version."""
    for row in snapshot.rows("meta", {}):
        if row["_id"] == RESTORE_ID:
            report("meta restore", "restore", _RESTORES[row.get("phase") == "replacing"])
        elif row["_id"] != SCHEMA_ID:
            report(f"meta {row['_id']}", "foreign", "It was not written by taskmgr.")
        elif extra := sorted(row.keys() - _META_FIELDS):
            detail = f"It is not stored as it should be: {', '.join(extra)}."
            report("meta stored_form", "stored_otherwise", detail)


def inspect_foreign_documents(snapshot: Snapshot, report: Report) -> None:
    """Reports documents whose ids were not made by taskmgr."""
    for collection in _WITH_OBJECT_IDS:
        for row in snapshot.rows(collection, {"_id": {"$not": OBJECT_ID}}):
            subject = f"{collection.removesuffix('s')} {row['_id']!r}"
            report(subject, "foreign", "It was not written by taskmgr: its id is not an ObjectId.")
