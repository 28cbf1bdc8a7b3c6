"""Tests that this release reads a database of schema version 2 as it was stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from bson import ObjectId
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import MAX_LIMIT, Page, PageRequest
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.inspection.database import inspect_database
from taskmgr.infrastructure.mongo.migrations import migrate
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import SYSTEM
from tests.integration.earlier_databases import Row, stored_rows

T = TypeVar("T")

POLICY = replace(DEFAULT_POLICY, time_zone=ZoneInfo("Europe/Berlin"))
# Fields that only the database needs: no entity has them.
INTERNAL = {
    "tasks": {
        "title_key", "priority_rank", "due_at", "words", "title_words", "label_words", "binned", "touched",
    },
    "users": {"email_key", "words", "touched"},
    "comments": set(),
    "tokens": {"secret_hash", "touched"},
    "activity": set(),
}  # fmt: skip


def test_doctor_finds_nothing_after_a_migration(schema_version_2: Database[Any]) -> None:
    migrate(schema_version_2, POLICY.time_zone)

    findings: list[tuple[str, str, str]] = []
    inspect_database(schema_version_2, POLICY, lambda *finding: findings.append(finding))

    assert findings == []


def test_every_entity_has_the_stored_values_after_a_migration(schema_version_2: Database[Any]) -> None:
    migrate(schema_version_2, POLICY.time_zone)
    services = build_services(mongo_store(schema_version_2), policy=POLICY)

    for collection, entities in read_everything(services).items():
        entities_by_id = {entity.id: entity for entity in entities}
        for row in stored_rows(2)[collection]:
            stored = fields_of_row(row, INTERNAL[collection])
            entity = entities_by_id[stored["id"]]
            assert {name: plain(getattr(entity, name)) for name in stored} == stored


def test_the_log_of_tasks_and_comments_belongs_to_the_default_project_after_a_migration(
    schema_version_2: Database[Any],
) -> None:
    migrate(schema_version_2, POLICY.time_zone)
    services = build_services(mongo_store(schema_version_2), policy=POLICY)

    query = ActivityQuery(projects=("TASK",))
    found = {e.id for e in read_pages(lambda request: services.activity.list(query, request, by=SYSTEM))}

    ids = {
        entity: {str(row["_id"]) for row in stored_rows(2)["activity"] if row["entity"] == entity}
        for entity in ("task", "comment", "user")
    }
    assert ids["task"]
    assert ids["comment"]
    assert found >= ids["task"] | ids["comment"]
    assert found.isdisjoint(ids["user"])


def fields_of_row(row: Row, internal: set[str]) -> dict[str, Any]:
    """Returns the fields of a stored document that its entity also has, with ids as text."""
    named = {"id" if name == "_id" else name: value for name, value in row.items() if name not in internal}
    return {name: plain(value) for name, value in named.items()}


def plain(value: Any) -> Any:
    """Returns the value in the types in which both an entity and a stored document can give it."""
    if isinstance(value, ObjectId | DueDate):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def read_everything(services: Services) -> Mapping[str, Sequence[Any]]:
    """Returns all entities by the name of their collection."""
    tasks = [
        task
        for binned in (False, True)
        for task in services.tasks.iterate(TaskQuery(binned=binned), by=SYSTEM)
    ]
    users = list(services.users.iterate(by=SYSTEM))
    return {
        "tasks": tasks,
        "users": users,
        "comments": [comment for task in tasks for comment in read_comments(services, task)],
        "tokens": [token for user in users for token in services.tokens.list(user.id, by=SYSTEM)],
        "activity": list(
            read_pages(lambda request: services.activity.list(ActivityQuery(), request, by=SYSTEM))
        ),
    }


def read_comments(services: Services, task: Task) -> Iterator[Comment]:
    """Yields the comments on a task; those on a task in the bin from the store, as no service finds them."""
    if task.is_binned:
        return read_pages(lambda request: services.comments.store.comments.find(task.id, request))
    return read_pages(lambda request: services.comments.list(task.id, request, by=SYSTEM))


def read_pages(read_page: Callable[[PageRequest], Page[T]]) -> Iterator[T]:
    """Yields the items of all pages."""
    request: PageRequest | None = PageRequest(limit=MAX_LIMIT)
    while request is not None:
        page = read_page(request)
        yield from page.items
        request = None if page.next is None else replace(request, after=page.next)
