"""What an archived project prevents beyond the rule about its tasks, and what the refusals say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskmgr.domain.model.errors import Invalid, NotFound, Refused
from taskmgr.domain.model.task import Task
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from tests.factories import SYSTEM


@pytest.fixture
def task(services: Services) -> Task:
    """A task in the project OPS, which is not archived yet."""
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    return services.tasks.create(title="Order the cables", project="OPS", by=SYSTEM)


@pytest.fixture
def archive(services: Services) -> Callable[[], object]:
    return lambda: services.projects.change("OPS", {"archived": True}, by=SYSTEM)


def test_comments_on_tasks_of_an_archived_project_do_not_change(
    services: Services, task: Task, archive: Callable[[], object]
) -> None:
    comment = services.comments.create(task.id, text="Ordered.", by=SYSTEM)
    archive()
    commands = (
        lambda: services.comments.create(task.id, text="Again.", by=SYSTEM),
        lambda: services.comments.change(task.id, comment.id, text="Again.", by=SYSTEM),
        lambda: services.comments.delete(task.id, comment.id, by=SYSTEM),
    )
    for command in commands:
        with pytest.raises(Refused, match=r"OPS .* comments on its tasks cannot be written or changed"):
            command()
    assert services.comments.list(task.id, by=SYSTEM).items == [comment]


def test_an_archived_project_that_would_become_the_default_is_called_archived(
    services: Services, task: Task, archive: Callable[[], object]
) -> None:
    archive()
    with pytest.raises(Refused, match="OPS is archived, so it cannot be the default") as refused:
        services.projects.change("OPS", {"is_default": True}, by=SYSTEM)
    (reason,) = refused.value.reasons
    assert reason.fix is not None
    assert (reason.fix.action, reason.fix.arguments) == ("unarchive_project", {"project": "OPS"})


def test_a_refused_place_names_neither_project(services: Services, task: Task) -> None:
    other = services.tasks.create(title="Elsewhere", by=SYSTEM)
    with pytest.raises(Invalid) as invalid:
        services.tasks.rank(task.id, before=other.id, by=SYSTEM)
    (error,) = invalid.value.errors
    assert error.detail == "This task belongs to another project: give a task of the same project."


def test_a_bulk_by_query_of_more_than_a_thousand_tasks_says_so(services: Services) -> None:
    with pytest.raises(Invalid, match="expect: Must be at most 1000"):
        services.bulk.change_where(TaskQuery(), {"priority": "high"}, expect=1_167, by=SYSTEM)


@pytest.mark.parametrize("reference", [5, None])
def test_a_reference_that_is_no_text_is_not_found(services: Services, reference: object) -> None:
    for find in (services.projects.get, services.tasks.get):
        with pytest.raises(NotFound):
            find(reference, by=SYSTEM)  # type: ignore[operator]
