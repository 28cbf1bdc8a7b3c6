"""Tokens, remembered answers, locks and `meta`, and documents that taskmgr has not written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mongoengine import Document

from taskmgr.domain.model import values
from taskmgr.domain.model.token import Token
from taskmgr.domain.services.users import ADMINS_LOCK
from taskmgr.infrastructure.mongo.derived_fields import UNREADABLE
from taskmgr.infrastructure.mongo.documents import DOCUMENTS, AnswerDocument, Draft
from taskmgr.infrastructure.mongo.inspection.entities import differing
from taskmgr.infrastructure.mongo.inspection.snapshot import AN_ID, Report, Row, Snapshot
from taskmgr.infrastructure.mongo.writing import validated_row

_HASH_LENGTH = 32  # bytes of SHA-256
_LOCKS = (ADMINS_LOCK, "relations")  # the second is left over from earlier releases
_META = {"_id", "version", "time_zone", "finished"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
OUR_COLLECTIONS = frozenset({*(document._meta["collection"] for document in DOCUMENTS), "locks", "meta"})
_WITH_OBJECT_IDS = ("users", "tasks", "comments", "tokens")


def against_tokens(
    snapshot: Snapshot, tokens: Iterator[Token], users: frozenset[str], report: Report
) -> None:
    """Reports tokens whose owner, times or hashes no command could have stored."""
    for token in tokens:
        if token.user_id not in users:
            report(f"token {token.id}", "unknown_user", f"Its user {token.user_id} does not exist.")
        for detail in _against_times(token):
            report(f"token {token.id}", "times", detail)
    for row in snapshot.rows("tokens", {"_id": AN_ID, "secret_hash": {"$type": "binData"}}):
        if len(row["secret_hash"]) != _HASH_LENGTH:
            report(f"token {row['_id']}", "bad_value", f"Its secret_hash is not of {_HASH_LENGTH} bytes.")


def _against_times(token: Token) -> list[str]:
    found = []
    if token.expires_at is not None and token.expires_at <= token.created_at:
        found.append("It expired before it was made.")
    if token.last_used_at is not None and token.last_used_at < token.created_at:
        found.append("It was used before it was made.")
    if token.last_used_at and token.expires_at and token.last_used_at >= token.expires_at:
        found.append("It was used after it had expired.")
    return found


def against_answers(snapshot: Snapshot, users: frozenset[str], report: Report) -> None:
    """Reports remembered answers that no command could have kept."""
    for row in snapshot.rows("answers", {}):
        subject = f"answer {row['_id']}"
        try:
            again = validated_row(Draft(AnswerDocument, _by_field(AnswerDocument, row)))
        except UNREADABLE as error:
            report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
            continue
        if names := differing(row, again):
            report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
        for detail in _against_answer(row, users):
            report(subject, "bad_value", detail)


def _by_field(document: type[Document], row: Row) -> Mapping[str, Any]:
    return {name: row.get(field.db_field) for name, field in document._fields.items()}


def _against_answer(row: Row, users: frozenset[str]) -> list[str]:
    caller, status = row.get("caller"), row.get("status")
    found = []
    if not _DIGEST.fullmatch(str(row["_id"])):
        found.append("Its id is not the digest of a key.")
    if values.is_identifier(caller) and caller not in users:
        found.append(f"Its caller {caller} does not exist.")
    elif not values.is_identifier(caller) and not str(caller).startswith("system:"):
        found.append(f"Its caller {caller!r} is neither a user nor a system process.")
    if not isinstance(status, int) or not 200 <= status <= 599:
        found.append(f"Its status {status!r} is not one of HTTP.")
    if not row.get("fingerprint"):
        found.append("It has no fingerprint.")
    if row.get("body") is None:
        found.append("It has no body.")
    headers = row.get("headers")
    if not isinstance(headers, Mapping):
        found.append("It has no headers.")
    elif any(not isinstance(text, str) for pair in headers.items() for text in pair):
        found.append("Its headers are not text.")
    return found


def against_locks(snapshot: Snapshot, report: Report) -> None:
    """Reports locks that do not exist, and those that hold anything but a count."""
    for row in snapshot.rows("locks", {}):
        subject = f"lock {row['_id']}"
        if row["_id"] not in _LOCKS:
            report(subject, "foreign", f"It was not written by taskmgr: the locks are {', '.join(_LOCKS)}.")
        elif "touched" not in row or differing(row, {"_id": row["_id"]}):
            report(subject, "stored_otherwise", "It is not stored as it should be: touched.")


def against_meta(snapshot: Snapshot, report: Report) -> None:
    """Reports what `meta` holds besides the stored form."""
    for row in snapshot.rows("meta", {}):
        if row["_id"] != "stored_form":
            report(f"meta {row['_id']}", "foreign", "It was not written by taskmgr.")
        elif extra := sorted(row.keys() - _META):
            detail = f"It is not stored as it should be: {', '.join(extra)}."
            report("meta stored_form", "stored_otherwise", detail)


def against_strangers(snapshot: Snapshot, report: Report) -> None:
    """Reports documents whose ids are not those that taskmgr gives."""
    for collection in _WITH_OBJECT_IDS:
        for row in snapshot.rows(collection, {"_id": {"$not": AN_ID}}):
            subject = f"{collection.removesuffix('s')} {row['_id']!r}"
            report(subject, "foreign", "It was not written by taskmgr: its id is not an ObjectId.")
