"""The same contracts over a fake database and the real one; people and tasks on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mongomock
import pytest
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_WORKFLOW
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from tests.factories import SYSTEM
from tests.integration.earlier_databases import load_database


@pytest.fixture(params=["mongomock", "mongodb"])
def either_database(request: pytest.FixtureRequest) -> Database[Any]:
    """An empty database: mongomock's, which has no indexes, and the real one.

    What mongomock lacks or gets wrong (transactions, unique indexes, `$lookup` with a pipeline) is
    asked of `database` alone.
    """
    if request.param == "mongodb":
        return request.getfixturevalue("database")
    return mongomock.MongoClient(tz_aware=True)["tests"]


@pytest.fixture
def fresh(worker_database: Database[Any]) -> Iterator[Database[Any]]:
    """A database that nobody has used yet."""
    client = worker_database.client
    name = f"{worker_database.name}_fresh"
    client.drop_database(name)
    yield client[name]
    client.drop_database(name)


@pytest.fixture
def schema_version_2(fresh: Database[Any]) -> Database[Any]:
    """A database as the last release with schema version 2 left it."""
    load_database(fresh, 2)
    return fresh


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")


@pytest.fixture
def bob(make_user: Callable[..., User]) -> User:
    return make_user("bob")


@pytest.fixture
def move(services: Services) -> Callable[..., Task]:
    """Moves a task: `move(task, "completed", reason=…)`."""

    def moved(task: Task, status: str, **given: Any) -> Task:
        return services.tasks.change_status(task.id, status=status, **{"by": SYSTEM, **given})

    return moved


@pytest.fixture
def in_status(make_task: Callable[..., Task], move: Callable[..., Task], ada: User) -> Callable[..., Task]:
    """A task of Ada's that came to a status on the way there."""

    def made(status: str, **given: Any) -> Task:
        task = make_task(assignee_id=ada.id, **given)
        while task.status != status:
            way = DEFAULT_WORKFLOW.next_status_towards(task.status, status)
            task = move(task, str(way), reason="On the way.")
        return task

    return made
