"""Converts entries of the log."""

from __future__ import annotations

from bson import ObjectId

from taskmgr.domain.history.changes import Change
from taskmgr.infrastructure.mongo.documents.activity import ChangeDocument
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.mappers.rows import Row


def change_document(change: Change) -> Draft:
    return draft_of(
        ChangeDocument,
        id=ObjectId(change.id),
        at=change.at,
        by=change.by,
        change_set=change.change_set,
        entity=change.entity,
        entity_id=ObjectId(change.entity_id),
        kind=change.kind,
        before=dict(change.before),
        after=dict(change.after),
        reason=change.reason,
        override=change.override,
        version=change.version,
        projects=list(change.projects),
        private_to=change.private_to,
    )


def change(row: Row) -> Change:
    return Change(
        id=str(row["_id"]),
        at=row["at"],
        by=row["by"],
        change_set=row["change_set"],
        entity=row["entity"],
        entity_id=str(row["entity_id"]),
        kind=row["kind"],
        before=row["before"],
        after=row["after"],
        reason=row["reason"],
        override=row["override"],
        version=row["version"],
        projects=tuple(row.get("projects", ())),
        private_to=row.get("private_to"),
    )
