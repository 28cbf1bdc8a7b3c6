"""An allowed command reads no names: they are read only for a refusal that shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import Refused
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import SYSTEM, Clock


class Calls(CommandListener):
    """Counts the commands that are sent to each collection, and keeps the pipelines.

    In a transaction, only those of the last attempt count: the server may abort one whenever it is busy.
    """

    def __init__(self) -> None:
        self.pipelines: list[Any] = []
        self._outside: Counter[str] = Counter()
        self._transaction: Counter[str] = Counter()

    @property
    def counts(self) -> Counter[str]:
        return self._outside + self._transaction

    def clear(self) -> None:
        for each in (self.pipelines, self._outside, self._transaction):
            each.clear()

    def started(self, event: CommandStartedEvent) -> None:
        name, command = event.command_name, event.command
        if command.get("startTransaction"):
            self.pipelines.clear()
            self._transaction.clear()
        if name == "aggregate":
            self.pipelines.append(command["pipeline"])
        counts = self._transaction if "autocommit" in command else self._outside
        counts[name if name.endswith("Transaction") else f"{name} {command[name]}"] += 1

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def watched(mongodb_uri: str, database: Database[Any], clock: Clock, calls: Calls) -> Iterator[Services]:
    """Services on a connection whose calls are counted."""
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[calls]) as client:
        yield build_services(mongo_store(client[database.name]), clock=clock)


@pytest.fixture
def task(make_task: Callable[..., Task], in_status: Callable[..., Task], ada: User) -> Task:
    """A task that looks at everything: an assignee, a parent, a completed blocker and a closed subtask."""
    parent, blocker = make_task(title="Parent"), in_status("completed")
    task = make_task(parent_id=parent.id, blocked_by=[blocker.id], assignee_id=ada.id)
    make_task(parent_id=task.id, status="cancelled", reason="Not needed.")
    return task


# What every change of a task needs: the task with its project, the new version, the log entry and the commit.
CHANGE = Counter({"aggregate tasks": 1, "update tasks": 1, "insert activity": 1, "commitTransaction": 1})
ASSIGNEE = Counter({"findAndModify users": 1})  # reads and touches the assignee


def test_creating_takes_a_number_and_reads_its_project_in_one_call(
    watched: Services, calls: Calls, bob: User
) -> None:
    calls.clear()
    watched.tasks.create(title="Order the cables", assignee_id=bob.id, by=SYSTEM)
    store = Counter({"insert tasks": 1, "insert activity": 1, "commitTransaction": 1})
    assert calls.counts == store + ASSIGNEE + Counter({"findAndModify projects": 1})


def test_assigning_reads_the_project_and_the_assignee(
    watched: Services, calls: Calls, task: Task, bob: User
) -> None:
    calls.clear()
    watched.tasks.assign(task.id, assignee_id=bob.id, by=SYSTEM)
    assert calls.counts == CHANGE + ASSIGNEE


def test_the_task_and_its_project_are_read_by_the_classic_query_engine(
    watched: Services, calls: Calls, task: Task, database: Database[Any]
) -> None:
    for reference in (task.id, str(task.key)):
        calls.clear()
        watched.tasks.change_priority(reference, priority="high", by=SYSTEM)
        (pipeline,) = calls.pipelines
        command = {"aggregate": "tasks", "pipeline": pipeline, "cursor": {}}
        (row,) = database["tasks"].aggregate(pipeline)
        assert database.command("explain", command)["explainVersion"] == "1"  # "2" is the newer engine
        assert [project["key"] for project in row["its_project"]] == [task.project]


class _WithoutProjects(Database[Any]):
    """A database whose aggregations leave the looked-up projects out of their rows."""

    def get_collection(self, name: str, *options: Any, **more: Any) -> Any:
        return _Collection(self, name, *options, **more)


class _Collection(Collection[Any]):
    def aggregate(self, *arguments: Any, **options: Any) -> Any:
        rows = super().aggregate(*arguments, **options)
        return iter([{name: row[name] for name in row.keys() - {"its_project"}} for row in rows])


def test_the_rules_read_the_project_if_it_is_not_in_the_row_of_the_task(
    services: Services, task: Task, database: Database[Any], clock: Clock
) -> None:
    forgetful = _WithoutProjects(database.client, database.name, codec_options=database.codec_options)
    services.projects.create(key="OLD", name="Old", by=SYSTEM)
    old = services.tasks.change(task.id, {"project": "OLD"}, by=SYSTEM)
    services.projects.change("OLD", {"archived": True}, by=SYSTEM)

    with pytest.raises(Refused) as refused:
        build_services(mongo_store(forgetful), clock=clock).tasks.change(old.id, {"title": "x"}, by=SYSTEM)

    assert [reason.code for reason in refused.value.reasons] == ["project_archived"]


def test_starting_reads_the_parent_the_blockers_and_the_started_tasks_once_each(
    watched: Services, calls: Calls, task: Task
) -> None:
    calls.clear()
    watched.tasks.change_status(task.id, status="in_progress", by=SYSTEM)
    assert calls.counts == CHANGE + ASSIGNEE + Counter({"find tasks": 3, "update tasks": 1})


def test_completing_reads_the_blockers_the_subtasks_and_the_tasks_that_wait_once_each(
    watched: Services, calls: Calls, task: Task
) -> None:
    watched.tasks.change_status(task.id, status="in_progress", by=SYSTEM)
    calls.clear()
    watched.tasks.change_status(task.id, status="completed", by=SYSTEM)
    assert calls.counts == CHANGE + Counter({"find tasks": 3, "update tasks": 1})


def test_ranking_reads_the_anchor_and_its_neighbours_in_and_outside_the_bin_once_each(
    watched: Services, calls: Calls, make_task: Callable[..., Task]
) -> None:
    first, moved = make_task(), (make_task(), make_task())[1]
    calls.clear()
    watched.tasks.rank(moved.id, after=first.id, by=SYSTEM)
    assert calls.counts == CHANGE + Counter({"find tasks": 3, "update tasks": 1})
