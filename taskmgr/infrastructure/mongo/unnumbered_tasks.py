"""Gives a project, a key and a rank to the tasks of releases that had no projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import logged_fields
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.project import DEFAULT_KEY, DEFAULT_NAME, NextKey, Project
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.repositories.projects import MongoProjectRepository
from taskmgr.infrastructure.mongo.store import new_id
from taskmgr.infrastructure.mongo.writing import validated_row

_BY = "system:migration"
_UNNUMBERED = {"_id": {"$type": "objectId"}, "created_at": {"$type": "date"}, "key": {"$exists": False}}


def ensure_default_project(database: Database[Any]) -> str:
    """Creates the first default project and its log entry, unless they exist; returns the default's key."""
    projects = database["projects"]
    if projects.find_one({"is_default": True}) is None:
        now = utc_now()
        project = Project(
            id=new_id(), key=DEFAULT_KEY, name=DEFAULT_NAME, description="", is_default=True,
            archived_at=None, created_by=_BY, created_at=now, updated_at=now, version=1,
        )  # fmt: skip
        with suppress(DuplicateKeyError):  # another migration has just created it
            projects.insert_one(validated_row(mappers.project_document(project)))
    _log_default_project(database)
    return MongoProjectRepository(database).get(None).key


def _log_default_project(database: Database[Any]) -> None:
    """Appends the entry of its creation, which a killed migration may have left out."""
    row = database["projects"].find_one({"created_by": _BY})
    if row is None or database["activity"].find_one({"entity": "project", "entity_id": row["_id"]}):
        return
    project = mappers.project(row)
    entry = Change(
        id=new_id(), at=project.created_at, by=_BY, change_set=new_id(), entity="project",
        entity_id=project.id, kind="project.created", before={}, after=logged_fields(project), reason=None,
        override=False, version=1, projects=(project.key,),
    )  # fmt: skip
    with suppress(DuplicateKeyError):  # another migration has just appended it
        database["activity"].insert_one(validated_row(mappers.change_document(entry)))


def number_tasks(database: Database[Any], require_target: Callable[[], None], size: int) -> int:
    """Numbers the tasks without a key in the default project, by `created_at`, and returns their number.

    Nothing else of the tasks changes, and they get no log entry. `require_target` is called before each
    batch of `size` tasks, and raises to stop.
    """
    projects, count = MongoProjectRepository(database), 0
    unnumbered = _unnumbered_ids(database)
    while batch := list(islice(unnumbered, size)):
        require_target()
        keys = projects.take_keys(None, len(batch))
        updates = [
            UpdateOne({**_UNNUMBERED, "_id": task_id}, {"$set": _fields(key)})
            for task_id, key in zip(batch, keys, strict=True)
        ]
        count += database["tasks"].bulk_write(updates, ordered=False).modified_count
    return count


def assign_entries(database: Database[Any]) -> None:
    """Assigns the log entries of tasks and comments that have no project to the default project.

    All other entries without the field get it empty, because every entry has it.
    """
    key, entities = MongoProjectRepository(database).get(None).key, ["task", "comment"]
    for condition, projects in (({"$in": entities}, [key]), ({"$nin": entities}, [])):
        unassigned = {"projects": {"$exists": False}, "entity": condition}
        database["activity"].update_many(unassigned, {"$set": {"projects": projects}})


def _fields(key: NextKey) -> dict[str, Any]:
    return {
        "project": key.project.key,
        "number": key.number,
        "key": key.text,
        "keys": [key.text],
        "rank": key.rank,
    }


def _unnumbered_ids(database: Database[Any]) -> Iterator[ObjectId]:
    rows = database["tasks"].find(_UNNUMBERED, {"_id": True}).sort([("created_at", 1), ("_id", 1)])
    return (row["_id"] for row in rows.allow_disk_use(True))
