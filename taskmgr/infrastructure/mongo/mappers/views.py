"""Converts saved views."""

from __future__ import annotations

from bson import ObjectId

from taskmgr.domain.model.view import View
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.views import ViewDocument
from taskmgr.infrastructure.mongo.mappers.rows import Row


def view_document(view: View) -> Draft:
    return draft_of(
        ViewDocument,
        id=ObjectId(view.id),
        owner_id=ObjectId(view.owner_id),
        name=view.name,
        name_key=view.name_key,
        filters=dict(view.filters),
        sort=view.sort,
        layout=dict(view.layout),
        shared=view.shared,
        created_at=view.created_at,
        updated_at=view.updated_at,
        version=view.version,
    )


def view(row: Row) -> View:
    return View(
        id=str(row["_id"]),
        owner_id=str(row["owner_id"]),
        name=row["name"],
        filters=row["filters"],
        sort=row["sort"],
        layout=row["layout"],
        shared=row["shared"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )
