"""Pages by the last keys seen: together they are the list, whatever comes and goes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest, Position
from taskmgr.domain.queries.search import title_key
from taskmgr.domain.queries.task_query import TASK_SORTS, Sort, TaskQuery
from taskmgr.infrastructure.mongo.documents.tasks import UNDATED
from taskmgr.infrastructure.mongo.reads.keyset import filter_after
from tests.factories import NOW, a_task, an_id

few = settings(max_examples=settings.default.max_examples // 2)  # type: ignore[union-attr]
fewer = settings(max_examples=settings.default.max_examples // 4)  # type: ignore[union-attr]

# Few values, so that many keys are equal.
MOMENTS = st.sampled_from([NOW, NOW + timedelta(milliseconds=1), NOW + timedelta(days=1)])
FIELDS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["a", "A", "ä", "b", "日本", "🚀"]),
        "priority": st.sampled_from(Priority),
        "due_date": st.none() | MOMENTS.map(DueDate.at_instant),
        "created_at": MOMENTS,
        "updated_at": MOMENTS,
        "status_changed_at": MOMENTS,
    }
)
TASKS = st.lists(FIELDS, max_size=12)
SORTS = st.lists(
    st.builds(Sort, st.sampled_from(TASK_SORTS), st.booleans()),
    min_size=1,
    max_size=3,
    unique_by=lambda sort: sort.key,
).map(tuple)


def key_of(task: Task, sort: Sort) -> Any:
    """What a task is ordered by, as the rule book has it."""
    if sort.key == "due_date":
        return UNDATED if task.due_date is None else task.due_date.at
    if sort.key == "title":
        return title_key(task.title)
    return getattr(task, sort.key)


def in_order(tasks: list[Task], sorts: tuple[Sort, ...]) -> list[Task]:
    """Python's own order: stable, so the last key is sorted by first, and the id before it."""
    ordered = sorted(tasks, key=lambda task: task.id, reverse=sorts[-1].descending)
    for sort in reversed(sorts):
        ordered.sort(key=lambda task, sort=sort: key_of(task, sort), reverse=sort.descending)  # type: ignore[misc]
    return ordered


def stored(store: Store, fields: list[dict[str, Any]], **more: Any) -> list[Task]:
    tasks = [a_task(**given, **more) for given in fields]
    for task in tasks:
        store.tasks.add(task)
    return tasks


@few
@given(fields=TASKS, sorts=SORTS, limit=st.integers(1, 5))
def test_walking_the_pages_is_sorting(
    store: Store, fields: list[dict[str, Any]], sorts: tuple[Sort, ...], limit: int
) -> None:
    parent = an_id()  # this example's tasks, among all the others'
    tasks = stored(store, fields, parent_id=parent)
    query = TaskQuery(parent_ids=(parent,), sort=sorts)
    walked: list[Task] = []
    page: Page[Task] | None = None
    while page is None or page.next is not None:
        page = store.tasks.find(query, PageRequest(limit=limit, after=page and page.next))
        assert len(page.items) <= limit
        walked += page.items
    assert walked == in_order(tasks, sorts)


@fewer
@given(
    fields=TASKS,
    sorts=SORTS,
    limit=st.integers(1, 3),
    meanwhile=st.lists(st.tuples(FIELDS, st.integers(0, 20)), max_size=6),
)
def test_what_comes_and_goes_meanwhile_neither_hides_nor_repeats_the_others(
    store: Store,
    fields: list[dict[str, Any]],
    sorts: tuple[Sort, ...],
    limit: int,
    meanwhile: list[tuple[dict[str, Any], int]],
) -> None:
    parent = an_id()
    staying = stored(store, fields, parent_id=parent)
    others = stored(store, [given for given, _ in meanwhile], parent_id=parent)
    query = TaskQuery(parent_ids=(parent,), sort=sorts)
    walked: list[Task] = []
    page: Page[Task] | None = None
    while page is None or page.next is not None:
        page = store.tasks.find(query, PageRequest(limit=limit, after=page and page.next))
        walked += page.items
        if meanwhile:  # one goes, also the very one that the next page begins behind, and one comes
            given, pick = meanwhile.pop()
            binned = others.pop(pick % len(others))
            store.tasks.replace(replace(binned, deleted_at=NOW, version=2))
            stored(store, [given], parent_id=parent)
    ids = [task.id for task in staying]
    assert [task for task in walked if task.id in ids] == in_order(staying, sorts)
    assert len({task.id for task in walked}) == len(walked)


@fewer
@given(value=st.sampled_from(["due_date", "title", "priority"]), descending=st.booleans(), fields=FIELDS)
def test_a_position_that_no_task_has_any_more_still_is_one(
    store: Store, value: str, descending: bool, fields: dict[str, Any]
) -> None:
    parent = an_id()
    (task,) = stored(store, [fields], parent_id=parent)
    sort = Sort(value, descending)
    key = key_of(task, sort)
    key = key.rank if isinstance(key, Priority) else key
    before, after = ("f" * 24, "0" * 24) if descending else ("0" * 24, "f" * 24)
    query = TaskQuery(parent_ids=(parent,), sort=(sort,))
    assert list(store.tasks.find(query, PageRequest(after=Position((key,), before))).items) == [task]
    assert list(store.tasks.find(query, PageRequest(after=Position((key,), after))).items) == []


# --- the question that a page asks


def test_the_first_page_asks_for_the_filter_alone() -> None:
    assert filter_after({"binned": False}, [("title_key", 1), ("_id", 1)], None) == {"binned": False}


def test_every_key_has_a_branch_in_its_own_direction() -> None:
    key = "0" * 24
    assert filter_after({"binned": False}, [("priority_rank", -1), ("_id", 1)], Position((3,), key)) == {
        "$or": [
            {"$and": [{"binned": False}, {"priority_rank": {"$lt": 3}}]},
            {"$and": [{"binned": False}, {"priority_rank": 3, "_id": {"$gt": ObjectId(key)}}]},
        ]
    }
