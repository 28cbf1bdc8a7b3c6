"""Lists of tasks at random: walking the pages is what plain Python filters and sorts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.search import title_key, words_of
from taskmgr.domain.queries.task_query import TASK_SORTS, QueryContext, Sort, Span, TaskQuery
from tests.factories import a_comment, a_task, an_id

ZONE = ZoneInfo("Europe/Berlin")
POLICY = Policy(time_zone=ZONE)
MIDNIGHT = datetime(2026, 3, 9, 23, tzinfo=UTC)  # where the tenth of March begins in Berlin
CONTEXT = QueryContext(MIDNIGHT + timedelta(hours=12), POLICY)

# Few values, and those that lie at each other's bounds.
DAYS = [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]
MOMENTS = [
    MIDNIGHT,
    MIDNIGHT - timedelta(milliseconds=1),
    MIDNIGHT + timedelta(milliseconds=1),
    CONTEXT.now,
    MIDNIGHT + timedelta(days=1),
]
DUE = [None, *(DueDate.on(day, ZONE) for day in DAYS), *map(DueDate.at_instant, MOMENTS)]
STATUSES = tuple(POLICY.workflow.statuses)
PEOPLE = [an_id(), an_id()]
CREATORS = (PEOPLE[0], "system:triage")
PROJECTS = ("OPS", "TASK", "WEB")
LABELS = ("ui", "größe", "login page")
TEXTS = ("Login page", "log in", "Größe der Seite", "grosse page", "PAGE-12 login", "12")
# The texts of the comments on each task, by the task's id.
Comments = Mapping[str, Sequence[str]]

fields = st.fixed_dictionaries(
    {
        "project": st.sampled_from(PROJECTS),
        "rank": st.sampled_from(["a1", "a5V", "aZ"]),
        "title": st.sampled_from(TEXTS),
        "description": st.sampled_from(("", *TEXTS)),
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(Priority),
        "due_date": st.sampled_from(DUE),
        "assignee_id": st.sampled_from([None, *PEOPLE]),
        "created_by": st.sampled_from(CREATORS),
        "labels": st.lists(st.sampled_from(LABELS), unique=True, max_size=2).map(tuple),
        "created_at": st.sampled_from(MOMENTS),
        "updated_at": st.sampled_from(MOMENTS),
        "status_changed_at": st.sampled_from(MOMENTS),
        "deleted_at": st.sampled_from([None, None, None, MIDNIGHT]),
    }
)
# Each with the places of those that it waits for and of its parent, which may not be there, and its comments.
worlds = st.lists(
    st.tuples(
        fields,
        st.lists(st.integers(0, 9), max_size=2),
        st.integers(-3, 9),
        st.lists(st.sampled_from(TEXTS), max_size=2),
    ),
    max_size=9,
)

bounds = st.sampled_from([None, *DAYS, *MOMENTS])
spans = st.builds(Span, bounds, bounds).filter(lambda span: span != Span())


def some(values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(list(values)), min_size=1, max_size=3, unique=True).map(tuple)


sorts = st.lists(
    st.builds(Sort, st.sampled_from(TASK_SORTS), st.booleans()), max_size=2, unique_by=lambda sort: sort.key
).map(tuple)
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "projects": some(PROJECTS),
    "statuses": some(STATUSES),
    "priorities": some(Priority),
    "assignee_ids": some([None, *PEOPLE]),
    "created_by": some([*CREATORS, PEOPLE[1]]),
    "labels": some(LABELS),
    "blocked": st.booleans(),
    "overdue": st.booleans(),
    "dated": st.booleans(),
    "due": spans,
    "created": spans,
    "updated": spans,
    "words": st.sampled_from(
        ["login", "PAGE", "gröss", "grosse", "Größe", "page 12", "lo", "p l 1", "g"]
    ).map(words_of),
    "binned": st.just(True),
}


@st.composite
def queries(draw: Callable[..., Any]) -> TaskQuery:
    names = draw(st.lists(st.sampled_from(sorted(FILTERS)), max_size=3, unique=True))
    return TaskQuery(**{name: draw(FILTERS[name]) for name in names}, sort=draw(sorts))


# --- what the filters mean, in plain Python


def is_unresolved(blocker: Task | None) -> bool:
    if blocker is None or blocker.is_binned:
        return False
    return POLICY.workflow.category(blocker.status) is not Category.COMPLETED


def lies_in(moment: datetime, span: Span) -> bool:
    def at(bound: Any, following: int) -> datetime:
        if isinstance(bound, datetime):
            return bound
        return datetime.combine(bound + timedelta(days=following), time(), tzinfo=ZONE)

    return (span.start is None or at(span.start, 0) <= moment) and (
        span.end is None or moment < at(span.end, 1)
    )


def is_due_in(due: DueDate | None, span: Span) -> bool:
    if due is None:
        return False
    if due.day is None:
        return lies_in(due.at, span)
    day, at = due.day, due.at
    after = span.start is None or (
        at >= span.start if isinstance(span.start, datetime) else day >= span.start
    )
    before = span.end is None or (at < span.end if isinstance(span.end, datetime) else day <= span.end)
    return after and before


def count_begun(words: tuple[str, ...], *texts: str) -> int:
    """How many of the words begin a word of the texts."""
    return sum(any(found.startswith(word) for found in words_of(*texts)) for word in words)


def has_words(task: Task, words: tuple[str, ...], comments: Comments) -> bool:
    """Whether the task itself or one of its comments has all the words."""
    texts = [(task.title, task.description, *task.labels), *((text,) for text in comments.get(task.id, ()))]
    return any(count_begun(words, *text) == len(words) for text in texts)


def matches(task: Task, query: TaskQuery, tasks: dict[str, Task], comments: Comments) -> bool:
    tests: Iterator[bool] = iter(
        [
            task.is_binned is query.binned,
            query.ids is None or task.id in query.ids,
            task.id != query.except_id,
            query.projects is None or task.project in query.projects,
            query.statuses is None or task.status in query.statuses,
            query.categories is None or POLICY.workflow.category(task.status) in query.categories,
            query.priorities is None or task.priority in query.priorities,
            query.assignee_ids is None or task.assignee_id in query.assignee_ids,
            query.created_by is None or task.created_by in query.created_by,
            query.parent_ids is None or task.parent_id in query.parent_ids,
            query.blocked_by is None or bool({*query.blocked_by} & {*task.blocked_by}),
            {*query.labels} <= {*task.labels},
            has_words(task, query.words, comments),
            query.blocked is None
            or query.blocked is any(is_unresolved(tasks.get(blocker)) for blocker in task.blocked_by),
            query.overdue is None
            or query.overdue is task.is_overdue(now=CONTEXT.now, workflow=POLICY.workflow),
            query.dated is None or query.dated is (task.due_date is not None),
            query.due is None or is_due_in(task.due_date, query.due),
            query.created is None or lies_in(task.created_at, query.created),
            query.updated is None or lies_in(task.updated_at, query.updated),
        ]
    )
    return all(tests)


def key_of(task: Task, sort: Sort, query: TaskQuery) -> Any:
    if sort.key == "due_date":
        return (task.due_date is None, task.due_date and task.due_date.at)
    if sort.key == "match":
        return sum(
            weight * (count_begun(query.words, *texts) + len({*query.words} & {*words_of(*texts)}))
            for weight, texts in ((2, [task.title]), (1, task.labels))
        )
    if sort.key in ("key", "rank"):
        return (task.project, task.number if sort.key == "key" else task.rank)
    return title_key(task.title) if sort.key == "title" else getattr(task, sort.key)


def in_order(tasks: list[Task], query: TaskQuery) -> list[str]:
    ordered = sorted(tasks, key=lambda task: task.id, reverse=query.order[-1].descending)
    for sort in reversed(query.order):
        ordered.sort(key=lambda task, sort=sort: key_of(task, sort, query), reverse=sort.descending)  # type: ignore[misc]
    return [task.id for task in ordered]


# --- and what the store answers


def build(store: Store, world: Any) -> tuple[dict[str, Task], Comments]:
    """The world's tasks, stored as they are: no rule has judged them, and none matters here."""
    store.tasks._stored.delete_many({})  # type: ignore[attr-defined] # an example begins with nothing
    store.comments._comments.delete_many({})  # type: ignore[attr-defined]
    ids = [an_id() for _ in range(10)]
    tasks = {
        ids[place]: a_task(
            **given,
            id=ids[place],
            blocked_by=tuple(dict.fromkeys(ids[other] for other in blockers if other != place)),
            parent_id=ids[parent] if parent >= 0 else None,
        )
        for place, (given, blockers, parent, _) in enumerate(world)
    }
    comments = {ids[place]: texts for place, (*_, texts) in enumerate(world)}
    for task in tasks.values():
        store.tasks.add(task)
        for text in comments[task.id]:
            store.comments.add(a_comment(task_id=task.id, text=text))
    return tasks, comments


def walk(store: Store, query: TaskQuery, limit: int, between: Callable[[], None] = lambda: None) -> list[str]:
    found: list[str] = []
    page_request = PageRequest(limit=limit, with_total=True)
    while True:
        page = store.tasks.find(query, page_request, CONTEXT)
        found += [task.id for task in page.items]
        if page.next is None:
            return found
        between()
        page_request = replace(page_request, after=page.next)


@pytest.mark.slow
@settings(max_examples=150)
@given(world=worlds, query=queries(), limit=st.integers(1, 4))
def test_a_walk_over_the_pages_is_what_python_filters_and_sorts(
    store: Store, world: Any, query: TaskQuery, limit: int
) -> None:
    tasks, comments = build(store, world)
    expected = in_order([task for task in tasks.values() if matches(task, query, tasks, comments)], query)

    assert walk(store, query, limit) == expected
    assert store.tasks.count(query, CONTEXT) == len(expected)
    assert list(store.tasks.find_ids(query, CONTEXT, limit=100)) == expected
    assert [record.id for record in store.tasks.find_records(query, PageRequest(), CONTEXT).items] == expected


@settings(max_examples=40)
@given(world=worlds, query=queries(), which=st.sampled_from(["ids", "parent_ids", "blocked_by"]))
def test_filters_by_id_are_what_python_filters(
    store: Store, world: Any, query: TaskQuery, which: str
) -> None:
    tasks, comments = build(store, world)
    named = sorted(tasks)[:2] or [an_id()]
    query = replace(query, **{which: (*named, None) if which == "parent_ids" else tuple(named)})
    expected = in_order([task for task in tasks.values() if matches(task, query, tasks, comments)], query)

    assert walk(store, query, 3) == expected


@settings(max_examples=40)
@given(world=worlds, query=queries(), others=worlds)
def test_a_walk_meets_what_stays_once_while_others_come_and_go(
    store: Store, world: Any, query: TaskQuery, others: Any
) -> None:
    tasks, comments = build(store, world)
    query = replace(query, blocked=None)  # whether one is blocked depends on those that come and go
    incoming = [a_task(**given) for given, *_ in others]
    going: list[str] = []

    def between() -> None:
        if going:
            store.tasks._stored.delete_one({"title_key": "gone"})  # type: ignore[attr-defined]
        if incoming:
            task = replace(incoming.pop(), title="gone" if len(incoming) % 2 else "came")
            going.append(task.id)
            store.tasks.add(task)

    walked = walk(store, query, 1, between)

    remaining = in_order([task for task in tasks.values() if matches(task, query, tasks, comments)], query)
    assert [key for key in walked if key in tasks] == remaining
    assert len(set(walked)) == len(walked)


@pytest.mark.parametrize("query", [TaskQuery(overdue=True), TaskQuery(blocked=False)])
def test_what_depends_on_the_moment_is_not_asked_without_one(store: Store, query: TaskQuery) -> None:
    with pytest.raises(TypeError):
        store.tasks.find(query, PageRequest())
