"""Checks what users have been told, what they watch and prefer, and how far the telling has come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.inbox import ReminderDocument, WatchDocument
from taskmgr.infrastructure.mongo.inspection.entities import differing_fields
from taskmgr.infrastructure.mongo.inspection.snapshot import Report, Row, Snapshot
from taskmgr.infrastructure.mongo.mappers.rows import UNREADABLE
from taskmgr.infrastructure.mongo.writing import validated_row


def _watch_document(row: Row) -> Draft:
    key = f"{row['task_id']}:{row['user_id']}"
    return draft_of(WatchDocument, id=key, task_id=row["task_id"], user_id=row["user_id"], at=row["at"])


# The draft that each row should equal, by collection.
_DRAFTS: Mapping[str, Callable[[Row], Draft]] = {
    "inbox": lambda row: mappers.item_document(mappers.item(row)),
    "watches": _watch_document,
    "preferences": lambda row: mappers.preferences_document(mappers.preferences(row)),
    "inbox_positions": lambda row: mappers.position_document(row["_id"], mappers.position(row)),
    "mails": lambda row: mappers.mail_document(mappers.mail(row)),
    "reminders": lambda row: draft_of(ReminderDocument, id=row["_id"], at=row["at"]),
}
_NAMES = {
    "inbox": "item",
    "mails": "mail",
    "watches": "watch",
    "inbox_positions": "position",
    "reminders": "reminder",
}


def inspect_inbox(snapshot: Snapshot, users: Collection[str], report: Report) -> None:
    """Reports documents that no process has stored, and those of unknown users."""
    for collection, draft in _DRAFTS.items():
        for row in snapshot.rows(collection, {}):
            subject = f"{_NAMES.get(collection, collection)} {row['_id']}"
            try:
                expected: dict[str, Any] = validated_row(draft(row))
            except UNREADABLE as error:
                report(subject, "unreadable", f"It cannot be read ({type(error).__name__}: {error}).")
                continue
            if names := differing_fields(row, expected):
                report(subject, "stored_otherwise", f"It is not stored as it should be: {names}.")
            for user_id in _user_ids(collection, row):
                if user_id not in users:
                    report(subject, "unknown_user", f"Its user {user_id} does not exist.")


def _user_ids(collection: str, row: Row) -> Iterator[str]:
    if collection == "preferences":
        yield str(row["_id"])
    elif "user_id" in row:
        yield str(row["user_id"])
