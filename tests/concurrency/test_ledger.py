"""The ledger itself: what it is there to find, it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.concurrency.ledger import assert_that_the_log_is_the_store, disagreements
from tests.factories import SYSTEM

Tampering = Callable[[Database[Any]], object]


@pytest.fixture
def lived(
    services: Services,
    make_task: Callable[..., Task],
    make_user: Callable[..., User],
    database: Database[Any],
) -> Database[Any]:
    """A database in which a task has had three versions, and a comment has come and gone."""
    ensure_default_project(database)
    task = make_task(assignee_id=make_user("ada").id)
    services.tasks.change(task.id, {"title": "Read", "labels": ["a"]}, by=SYSTEM)
    services.tasks.change_status(task.id, status="in_progress", by=SYSTEM)
    comment = services.comments.create(task.id, text="Soon", by=SYSTEM)
    services.comments.delete(task.id, comment.id, by=SYSTEM)
    return database


def test_where_log_and_store_agree_nothing_is_found(lived: Database[Any]) -> None:
    assert lived["activity"].count_documents({}) == 7
    assert_that_the_log_is_the_store(lived)


TAMPERINGS: dict[str, Tampering] = {
    "an entry is lost": lambda db: db["activity"].delete_one({"version": 2, "entity": "task"}),
    "the last entry is lost": lambda db: db["activity"].delete_one({"version": 3, "entity": "task"}),
    "an entry is there twice": lambda db: db["activity"].insert_one(
        {**(db["activity"].find_one({"entity": "task", "version": 3}) or {}), "_id": "x", "version": 4}
    ),
    "an entry tells something else": lambda db: db["activity"].update_one(
        {"entity": "task", "version": 2}, {"$set": {"after.title": "Write"}}
    ),
    "an entry tells something else of before": lambda db: db["activity"].update_one(
        {"entity": "task", "version": 2}, {"$set": {"before.title": "Draw"}}
    ),
    "a version is skipped": lambda db: db["tasks"].update_one({}, {"$inc": {"version": 1}}),
    "a field is changed without a word": lambda db: db["tasks"].update_one({}, {"$set": {"title": "Draw"}}),
    "a user is changed without a word": lambda db: db["users"].update_one({}, {"$set": {"name": "Eve"}}),
    "a task is gone": lambda db: db["tasks"].delete_one({}),
    "a deleted comment's last entry is lost": lambda db: db["activity"].delete_one(
        {"kind": "comment.deleted"}
    ),
    "a field is lost": lambda db: db["tasks"].update_one({}, {"$unset": {"description": ""}}),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_does_not_agree_is_found(what: str, lived: Database[Any]) -> None:
    TAMPERINGS[what](lived)

    assert list(disagreements(lived))
