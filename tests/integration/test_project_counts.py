"""The counts of projects: what the store counts is what plain Python counts, and from indexes alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.errors import NotFound
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.statistics import ProjectCounts
from taskmgr.domain.services import Services
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.conftest import empty
from tests.factories import NOW, SYSTEM, Clock, a_task
from tests.integration.many_tasks import POLICIES, PROJECTS, many_tasks, store_all
from tests.integration.test_indexes import indexes_of, nodes, stages_of
from tests.integration.test_statistics import CommandLog

half = settings(max_examples=settings.default.max_examples // 2)  # type: ignore[union-attr]


def plainly(tasks: Sequence[Task], policy: Policy) -> ProjectCounts:
    """Returns the counts of these tasks by the domain's own rules."""
    workflow, there = policy.workflow, [task for task in tasks if not task.is_binned]
    return ProjectCounts(
        open=sum(workflow.is_open(task.status) for task in there),
        overdue=sum(task.is_overdue(now=NOW, workflow=workflow) for task in there),
        completed_30_days=sum(
            task.completed_at is not None and task.completed_at >= NOW - timedelta(days=30) for task in there
        ),
    )


@half
@given(data=st.data())
def test_the_store_counts_what_plain_python_counts(data: st.DataObject, database: Database[Any]) -> None:
    empty(database)
    policy = data.draw(st.sampled_from(POLICIES))
    tasks = data.draw(many_tasks(policy, [None]))
    store_all(database, (), tasks)
    services = build_services(mongo_store(database), policy=policy, clock=Clock())

    found = services.projects.list_with_counts(by=SYSTEM).items

    assert {row.project.key: row.counts for row in found} == {
        key: plainly([task for task in tasks if task.project == key], policy) for key in PROJECTS
    }


def test_a_page_of_projects_with_counts_is_the_page_without(services: Services) -> None:
    for key in ("WEB", "OPS"):
        services.projects.create(key=key, name=key, by=SYSTEM)
    page_request = PageRequest(limit=2, with_total=True)

    page, plain = (
        found(page_request, by=SYSTEM)
        for found in (services.projects.list_with_counts, services.projects.list)
    )

    assert [row.project for row in page.items] == list(plain.items)
    assert (page.next, page.total) == (plain.next, plain.total) == (page.next, 3)
    assert page.next is not None


def test_one_project_is_counted_by_its_key_in_any_case(services: Services) -> None:
    services.tasks.create(title="Order the cables", due_date="2026-03-01", by=SYSTEM)

    found = services.projects.get_with_counts("task", by=SYSTEM)

    assert (found.project.key, found.counts) == ("TASK", ProjectCounts(open=1, overdue=1))
    with pytest.raises(NotFound):
        services.projects.get_with_counts("OPS", by=SYSTEM)


def test_a_page_is_counted_by_one_aggregation_from_indexes_alone(
    mongodb_uri: str, database: Database[Any]
) -> None:
    statuses = POLICIES[0].workflow.statuses
    tasks = [
        a_task(
            project=PROJECTS[number % 3],
            status=statuses[number % len(statuses)],
            completed_at=NOW - timedelta(hours=number) if number % len(statuses) == 4 else None,
        )
        for number in range(600)
    ]
    store_all(database, (), tasks)
    database.command("planCacheClear", "tasks")
    listener = CommandLog()
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[listener]) as connection:
        services = build_services(mongo_store(connection[database.name]), clock=Clock())
        services.projects.list_with_counts(by=SYSTEM)

    (command,) = (command for command in listener.commands if command.get("aggregate") == "tasks")
    plain = {name: command[name] for name in ("aggregate", "pipeline", "cursor", "hint")}
    explained = database.command("explain", plain, verbosity="executionStats")
    plans = [node["winningPlan"] for node in nodes(explained) if "winningPlan" in node]
    assert [indexes_of(plan) for plan in plans] == [{"project_status_due"}, {"completed"}]
    assert not stages_of(plans) & {"COLLSCAN", "FETCH"}
