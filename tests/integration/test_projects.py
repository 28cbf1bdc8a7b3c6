"""Tests the questions about projects on a real MongoDB."""

from __future__ import annotations

from taskmgr.domain.model.commands import Operation
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.services import Services
from tests.factories import SYSTEM, an_id


def test_keys_of_projects_are_found_by_id_and_by_key_in_any_case(services: Services) -> None:
    project = services.projects.create(key="OPS", name="Operations", by=SYSTEM)

    found = services.projects.find_keys(
        ["OPS", "ops", "Task", project.id, "NONE", "OPſ", "no key", an_id()], by=SYSTEM
    )

    assert found == {"OPS": "OPS", "ops": "OPS", "Task": "TASK", project.id: "OPS"}


def test_the_log_of_a_task_and_of_a_project_is_found_by_their_keys_in_any_case(services: Services) -> None:
    project = services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    task = services.tasks.create(title="Order the cables", project="ops", by=SYSTEM)

    for key, entity_id in (("ops", project.id), ("oPs-1", task.id)):
        entries = services.activity.list(ActivityQuery(entity_id=key), by=SYSTEM).items
        assert [entry.entity_id for entry in entries] == [entity_id]


def test_a_bulk_counts_the_keys_of_a_project_whose_key_is_given_in_two_cases_together(
    services: Services,
) -> None:
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    operations: list[Operation] = [
        {"op": "create", "title": "x", "project": project} for project in ("OPS", "ops", "OPS", "oPs")
    ]

    done = services.bulk.run(operations, by=SYSTEM)

    assert [result.task.key for result in done.results if result.task] == ["OPS-1", "OPS-2", "OPS-3", "OPS-4"]
