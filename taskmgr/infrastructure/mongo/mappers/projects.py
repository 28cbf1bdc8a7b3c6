"""Converts projects."""

from __future__ import annotations

from bson import ObjectId

from taskmgr.domain.model.project import Project
from taskmgr.infrastructure.mongo.documents.draft import Draft, draft_of
from taskmgr.infrastructure.mongo.documents.projects import ProjectDocument
from taskmgr.infrastructure.mongo.mappers.rows import Row


def project_document(project: Project, last_number: int | None = None) -> Draft:
    """Returns the draft; without `last_number` it leaves the stored counter as it is."""
    return draft_of(
        ProjectDocument,
        id=ObjectId(project.id),
        key=project.key,
        name=project.name,
        description=project.description,
        is_default=project.is_default,
        archived_at=project.archived_at,
        created_by=project.created_by,
        created_at=project.created_at,
        updated_at=project.updated_at,
        version=project.version,
        last_number=last_number,
    )


def project(row: Row) -> Project:
    return Project(
        id=str(row["_id"]),
        key=row["key"],
        name=row["name"],
        description=row["description"],
        is_default=row["is_default"],
        archived_at=row["archived_at"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )
