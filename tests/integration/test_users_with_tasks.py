"""Users with their tasks and counts: what the aggregation says is what plain Python says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import QueryContext
from taskmgr.domain.queries.user_query import TaskCounts, UserWithTasks
from taskmgr.domain.services import Services
from taskmgr.domain.services.tasks.facts import find_unresolved
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED
from taskmgr.infrastructure.mongo.reads.users_with_tasks import Lookup
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.conftest import empty
from tests.factories import NOW, SYSTEM, Clock, a_task, a_user
from tests.integration.many_tasks import POLICIES, PROJECTS, SOME_PROJECTS, is_in, many_tasks, store_all

half = settings(max_examples=settings.default.max_examples // 2)  # type: ignore[union-attr]
USERS = [a_user(username=name) for name in ("ada", "bob", "cyd")]
IDS = [*(user.id for user in USERS), None]


def plainly(
    user: User,
    tasks: Sequence[Task],
    policy: Policy,
    tasks_limit: int,
    projects: Sequence[str] | None = None,
) -> UserWithTasks[Task]:
    """The same by the domain's own questions, over all tasks."""
    workflow = policy.workflow

    def is_started(task: Task) -> bool:
        return workflow.category(task.status) is Category.STARTED

    visible = {task.id: task for task in tasks if not task.is_binned}
    anywhere = [task for task in visible.values() if task.assignee_id == user.id]
    own = [task for task in anywhere if is_in(task, projects)]
    opened = [task for task in own if workflow.is_open(task.status)]
    started_total = sum(map(is_started, anywhere))
    order = sorted(
        own,
        key=lambda t: (not workflow.is_open(t.status), t.due_date.at if t.due_date else UNDATED, t.id),
    )
    return UserWithTasks(
        user=user,
        tasks=order[:tasks_limit],
        tasks_total=len(own),
        counts=TaskCounts(
            open=len(opened),
            overdue=sum(task.is_overdue(now=NOW, workflow=workflow) for task in own),
            blocked=sum(bool(find_unresolved(task.blocked_by, visible, policy)) for task in opened),
            started=sum(map(is_started, own)),
            urgent=sum(task.priority is Priority.URGENT for task in opened),
        ),
        started_total=started_total,
        wip_room=max(0, policy.wip_limit - started_total) if policy.wip_limit else None,
    )


def ids(row: UserWithTasks[Task] | UserWithTasks[TaskRecord]) -> UserWithTasks[str]:
    return replace(row, tasks=[task.id for task in row.tasks])  # type: ignore


@half
@given(data=st.data())
def test_the_aggregation_says_what_plain_python_says(data: st.DataObject, database: Database[Any]) -> None:
    empty(database)
    policy = replace(data.draw(st.sampled_from(POLICIES)), wip_limit=data.draw(st.integers(0, 3)))
    tasks = data.draw(many_tasks(policy, IDS))
    store_all(database, USERS, tasks)
    services = build_services(mongo_store(database), policy=policy, clock=Clock())
    tasks_limit, projects = data.draw(st.integers(0, 5)), data.draw(SOME_PROJECTS)
    options: dict[str, Any] = {"tasks_limit": tasks_limit, "projects": projects, "by": SYSTEM}
    page_request, found = PageRequest(limit=data.draw(st.integers(1, 4)), with_total=True), []
    while True:
        page = services.users.list_with_tasks(page_request, **options)
        found += page.items
        assert page.items
        assert page.total == len(USERS)
        records = services.users.list_with_records(page_request, **options)
        assert [ids(row) for row in records.items] == [ids(row) for row in page.items]
        assert (records.next, records.total) == (page.next, page.total)
        if page.next is None:
            break
        assert len(page.items) == page_request.limit
        page_request = replace(page_request, after=page.next)
    assert found == [plainly(user, tasks, policy, tasks_limit, projects) for user in USERS]


def test_without_users_there_is_an_empty_page(services: Services) -> None:
    page = services.users.list_with_tasks(by=SYSTEM)
    assert (list(page.items), page.next) == ([], None)


def test_there_is_no_room_beyond_the_limit(
    make_user: Callable[..., User], make_task: Callable[..., Task], services_under: Callable[..., Services]
) -> None:
    ada = make_user("ada")
    for _ in range(2):
        make_task(assignee_id=ada.id, status="in_progress")

    def wip_room(limit: int) -> int | None:
        policy = replace(POLICIES[0], wip_limit=limit)
        return services_under(policy).users.list_with_tasks(by=SYSTEM).items[0].wip_room

    assert [wip_room(limit) for limit in (0, 1, 2, 3)] == [None, 0, 0, 1]


def test_the_room_is_over_all_projects_but_counts_are_of_those_that_were_asked_for(
    services: Services, make_user: Callable[..., User], make_task: Callable[..., Task]
) -> None:
    ada = make_user("ada")
    services.projects.create(key="OPS", name="Operations", by=SYSTEM)
    make_task(assignee_id=ada.id, status="in_progress")
    cables = make_task(assignee_id=ada.id, status="in_progress", project="OPS")

    (row,) = services.users.list_with_tasks(projects=["ops"], by=SYSTEM).items

    assert ([task.id for task in row.tasks], row.tasks_total, row.counts.started) == ([cables.id], 1, 1)
    assert row.wip_room == services.policy.wip_limit - 2


def test_an_unknown_project_is_an_error(services: Services) -> None:
    with pytest.raises(Invalid, match="projects: Unknown project key: WEB"):
        services.users.list_with_tasks(projects=["TASK", "WEB"], by=SYSTEM)


# --- what it costs


def crowd(first: int, number: int) -> tuple[list[User], list[Task]]:
    """Users, each with three open tasks, one of which waits for another, and two closed ones.

    Nobody's tasks are due before all others', so that an index by due date alone is no short cut.
    """
    users = [a_user(username=f"user-{place:03}") for place in range(first, first + number)]
    statuses = ("todo", "in_progress", "backlog", "completed", "cancelled")
    due = (DueDate.at_instant(NOW + timedelta(hours=37 * place % 101)) for place in count())
    tasks = []
    for user in users:
        own = [
            a_task(assignee_id=user.id, status=status, due_date=next(due), project=PROJECTS[place % 3])
            for place, status in enumerate(statuses)
        ]
        own[1] = replace(own[1], blocked_by=(own[0].id,))
        tasks += own
    return users, tasks


def explained(database: Database[Any], lookup: Lookup) -> tuple[str, dict[str, Any]]:
    """How the users are found, and what each lookup reads."""
    database.command("planCacheClear", "tasks")  # what was best for other tests' handful of tasks
    pipeline = [{"$sort": {"username": 1, "_id": 1}}, {"$limit": lookup.limit + 1}, *lookup.stages()]
    command = {"aggregate": "users", "pipeline": pipeline, "cursor": {}}
    found = database.command("explain", command, verbosity="executionStats")
    lookups = {stage["$lookup"]["as"]: stage for stage in found["stages"] if "$lookup" in stage}
    return str(found["stages"][0]["$cursor"]["queryPlanner"]["winningPlan"]), lookups


@pytest.mark.parametrize(("projects", "blockers"), [(None, 10), (("TASK",), 0), (("OPS", "WEB"), 10)])
def test_what_is_read_comes_from_indexes_and_depends_on_the_page_alone(
    projects: tuple[str, ...] | None, blockers: int, database: Database[Any]
) -> None:
    """The tasks of other projects are not read; one task of each user, in OPS, waits for another."""
    context = QueryContext(NOW, POLICIES[0])
    lookup = Lookup(limit=10, tasks_limit=2, context=context, projects=projects)
    read = []
    for first, number in ((0, 100), (100, 400)):  # among a handful of tasks any index would do
        store_all(database, *crowd(first, number))
        users, lookups = explained(database, lookup)
        assert "IXSCAN" in users
        assert "COLLSCAN" not in users
        assert "'SORT'" not in users
        assert [stage["collectionScans"] for stage in lookups.values()] == [0, 0, 0, 0]
        read.append(
            {name: (stage["indexesUsed"], stage["totalDocsExamined"]) for name, stage in lookups.items()}
        )
        keys = {name: stage["totalKeysExamined"] for name, stage in lookups.items()}
        assert keys["page.counts"] <= 10 * 5 + 2 * 10

    assert (
        read[0]
        == read[1]
        == {
            "page.counts": (["assignee_due"], 0),
            "page.waiting": (["assignee_waiting"], 10),
            "page.unresolved": (["_id_"], blockers),
            "tasks": (["assignee_due"], 20),
        }
    )
