"""A record that is kept says what is stored, whoever has written it and however."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import QueryContext, Sort, TaskQuery
from tests.factories import NOW, a_task, a_user


def read(store: Store, policy: Policy = DEFAULT_POLICY, **query: Any) -> TaskRecord:
    (record,) = store.tasks.find_records(TaskQuery(**query), PageRequest(), QueryContext(NOW, policy)).items
    return record


def test_what_is_stored_still_is_read_once(store: Store) -> None:
    store.tasks.add(a_task())

    assert read(store) is read(store)


def test_a_touched_task_is_the_same(store: Store) -> None:
    task = a_task()
    store.tasks.add(task)
    before = read(store)
    store.tasks.touch([task.id])

    assert read(store) is before


def test_a_change_past_the_service_shows_at_once(store: Store, database: Database[Any]) -> None:
    task = a_task(title="Before")
    store.tasks.add(task)
    assert read(store)["title"] == "Before"
    database["tasks"].update_one({"_id": ObjectId(task.id)}, {"$set": {"title": "By hand"}})

    assert read(store)["title"] == "By hand"
    assert store.tasks.get_record(task.id, DEFAULT_POLICY.workflow)["title"] == "By hand"


def test_another_workflow_names_other_categories(store: Store) -> None:
    store.tasks.add(a_task(status="todo"))
    workflow = DEFAULT_POLICY.workflow
    categories = {**workflow.categories, "todo": Category.STARTED}
    other = replace(DEFAULT_POLICY, workflow=replace(workflow, categories=categories))

    assert read(store)["category"] == "unstarted"
    assert read(store, other)["category"] == "started"
    assert read(store)["category"] == "unstarted"


def test_a_list_and_a_user_share_a_record(store: Store) -> None:
    ada = a_user()
    task = a_task(assignee_id=ada.id)
    store.users.add(ada)
    store.tasks.add(task)
    context = QueryContext(NOW, DEFAULT_POLICY)
    (row,) = store.users.find_with_records(PageRequest(), context, tasks_limit=1).items

    assert row.tasks == [read(store)]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": (Sort("title"),)},
        {"sort": (Sort("due_date"),)},
        {"blocked": False},
        {"priorities": (Priority.LOW,)},
    ],
    ids=str,
)
def test_whatever_a_list_asks_for_a_task_has_one_record(query: dict[str, Any], store: Store) -> None:
    store.tasks.add(a_task(priority=Priority.LOW))

    assert read(store, **query) is read(store)


def test_a_search_leaves_the_records_of_other_lists_alone(store: Store) -> None:
    store.tasks.add(a_task(title="Write the report"))
    before = read(store)

    assert read(store, words=("report",)).fields == before.fields
    assert read(store, words=("report",)) is not read(store, words=("report",))
    assert read(store) is before
