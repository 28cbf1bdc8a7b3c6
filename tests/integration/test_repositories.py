"""Holds every repository to its contract in `domain/ports/`, on a fake database and on the real one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.errors import EmailTaken, NotFound, Unavailable, UsernameTaken, WriteConflict
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Role
from taskmgr.domain.ports.idempotency import IdempotencyRecord, StoredResponse
from taskmgr.domain.ports.identity import StoredToken
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.task_query import QueryContext, Sort, TaskQuery
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.factories import (
    NOW,
    a_change,
    a_comment,
    a_full_change,
    a_full_comment,
    a_full_task,
    a_full_token,
    a_full_user,
    a_task,
    a_token,
    a_user,
    an_id,
)

SECRET_HASH = bytes(range(32))
NO_IDS = ["", "me", "0" * 23, "0" * 25, "g" * 24, "A" * 24, "0" * 24]


@pytest.fixture
def either(either_database: Database[Any]) -> Store:
    return mongo_store(either_database)


def added(store: Store, *tasks: Task) -> tuple[Task, ...]:
    for task in tasks:
        store.tasks.add(task)
    return tasks


def found(store: Store, **query: Any) -> list[str]:
    return [task.id for task in store.tasks.find(TaskQuery(**query), PageRequest()).items]


# --- tasks


def test_a_task_that_was_added_is_got(either: Store) -> None:
    task = replace(a_full_task(), deleted_at=None)
    either.tasks.add(task)
    assert either.tasks.get(task.id) == task


@pytest.mark.parametrize("no_id", NO_IDS)
def test_what_is_no_tasks_id_is_not_found(either: Store, no_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        either.tasks.get(no_id)
    assert (caught.value.entity, caught.value.key) == ("task", no_id)


def test_a_task_in_the_bin_is_not_found_outside(either: Store) -> None:
    (task,) = added(either, a_full_task())
    with pytest.raises(NotFound):
        either.tasks.get(task.id)


def test_a_task_in_the_bin_is_found_there(either: Store) -> None:
    (task,) = added(either, a_full_task())
    assert either.tasks.get(task.id, binned=True) == task


def test_a_task_outside_the_bin_is_not_found_inside(either: Store) -> None:
    (task,) = added(either, a_task())
    with pytest.raises(NotFound):
        either.tasks.get(task.id, binned=True)


def test_of_many_those_outside_the_bin_are_got(either: Store) -> None:
    one, two, binned = added(either, a_task(), a_task(), a_full_task())
    assert either.tasks.get_many([two.id, binned.id, one.id, an_id()]) == {one.id: one, two.id: two}


def test_of_none_none_are_got(either: Store) -> None:
    added(either, a_task())
    assert either.tasks.get_many([]) == {}


def test_a_list_of_ids_may_name_one_twice(either: Store) -> None:
    (task,) = added(either, a_task())
    assert either.tasks.get_many([task.id, task.id]) == {task.id: task}


ADA, BOB, PARENT, BLOCKER = an_id(), an_id(), an_id(), an_id()
MATCHES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"status": "todo"}, {"statuses": ("todo",)}, True),
    ({"status": "todo"}, {"statuses": ("backlog", "todo")}, True),
    ({"status": "todo"}, {"statuses": ("completed",)}, False),
    ({"status": "todo"}, {"statuses": ()}, False),
    ({"priority": Priority.HIGH}, {"priorities": (Priority.HIGH, Priority.URGENT)}, True),
    ({"priority": Priority.HIGH}, {"priorities": (Priority.LOW,)}, False),
    ({"assignee_id": ADA}, {"assignee_ids": (ADA,)}, True),
    ({"assignee_id": ADA}, {"assignee_ids": (BOB, ADA)}, True),
    ({"assignee_id": ADA}, {"assignee_ids": (BOB,)}, False),
    ({"assignee_id": ADA}, {"assignee_ids": (None,)}, False),
    ({"assignee_id": None}, {"assignee_ids": (None,)}, True),
    ({"assignee_id": None}, {"assignee_ids": (ADA, None)}, True),
    ({"assignee_id": None}, {"assignee_ids": (ADA,)}, False),
    ({"labels": ("a", "b")}, {"labels": ("a",)}, True),
    ({"labels": ("a", "b")}, {"labels": ("b", "a")}, True),
    ({"labels": ("a", "b")}, {"labels": ("a", "c")}, False),
    ({"labels": ()}, {"labels": ()}, True),
    ({"parent_id": PARENT}, {"parent_ids": (PARENT, ADA)}, True),
    ({"parent_id": None}, {"parent_ids": (PARENT,)}, False),
    ({"blocked_by": (ADA, BLOCKER)}, {"blocked_by": (BLOCKER, BOB)}, True),
    ({"blocked_by": (ADA,)}, {"blocked_by": (BLOCKER,)}, False),
    ({"id": ADA}, {"ids": (ADA, BOB)}, True),
    ({"id": ADA}, {"ids": (BOB,)}, False),
    ({"id": ADA}, {"ids": ()}, False),
    ({"id": ADA}, {"except_id": ADA}, False),
    ({"id": ADA}, {"except_id": BOB}, True),
    ({"id": ADA}, {"ids": (ADA,), "except_id": ADA}, False),
    ({"id": ADA}, {"ids": (ADA,), "except_id": BOB}, True),
    ({"deleted_at": NOW}, {}, False),
    ({"deleted_at": NOW}, {"binned": True}, True),
    ({"deleted_at": None}, {"binned": True}, False),
    ({"status": "todo", "labels": ("a",)}, {"statuses": ("todo",), "labels": ("a",)}, True),
    ({"status": "todo", "labels": ("a",)}, {"statuses": ("todo",), "labels": ("b",)}, False),
    ({"status": "todo", "labels": ("a",)}, {"statuses": ("completed",), "labels": ("a",)}, False),
]


@pytest.mark.parametrize(("task", "query", "matches"), MATCHES)
def test_a_filter_lets_through_what_it_names(
    either: Store, task: dict[str, Any], query: dict[str, Any], matches: bool
) -> None:
    (one,) = added(either, a_task(**task))
    assert found(either, **query) == ([one.id] if matches else [])


SORTED: list[tuple[tuple[Sort, ...], list[dict[str, Any]]]] = [
    ((Sort("created_at"),), [{"created_at": NOW}, {"created_at": NOW + timedelta(milliseconds=1)}]),
    ((Sort("updated_at"),), [{"updated_at": NOW}, {"updated_at": NOW + timedelta(days=1)}]),
    ((Sort("status_changed_at"),), [{"status_changed_at": NOW - timedelta(days=9)}, {}]),
    ((Sort("priority"),), [{"priority": priority} for priority in Priority]),
    ((Sort("title"),), [{"title": title} for title in ("apple", "Äpple juice", "Banana", "Zoë", "Ω")]),
    (
        (Sort("due_date"),),
        [
            {"due_date": DueDate.at_instant(NOW)},
            {"due_date": DueDate.on(NOW.date(), NOW.tzinfo)},  # type: ignore[arg-type]
            {"due_date": DueDate.at_instant(NOW + timedelta(days=365))},
            {"due_date": None},
        ],
    ),
    (
        (Sort("priority", descending=True), Sort("title")),
        [
            {"priority": Priority.HIGH, "title": "a"},
            {"priority": Priority.HIGH, "title": "b"},
            {"priority": Priority.LOW, "title": "a"},
        ],
    ),
]
sorts = pytest.mark.parametrize(
    ("sort", "in_order"), SORTED, ids=["-".join(s.key for s in sort) for sort, _ in SORTED]
)


@sorts
def test_tasks_come_in_the_order_asked_for(
    either: Store, sort: tuple[Sort, ...], in_order: list[dict[str, Any]]
) -> None:
    tasks = [a_task(**given) for given in in_order]
    added(either, *reversed(tasks))
    assert found(either, sort=sort) == [task.id for task in tasks]


@sorts
def test_descending_is_ascending_backwards(
    either: Store, sort: tuple[Sort, ...], in_order: list[dict[str, Any]]
) -> None:
    tasks = added(either, *(a_task(**given) for given in in_order))
    backwards = tuple(Sort(s.key, not s.descending) for s in sort)
    assert found(either, sort=backwards) == [task.id for task in reversed(tasks)]


@pytest.mark.parametrize("descending", [False, True])
def test_equal_keys_are_ordered_by_id_in_the_direction_of_the_last_key(
    either: Store, descending: bool
) -> None:
    tasks = added(either, a_task(), a_task(), a_task())
    ids = sorted((task.id for task in tasks), reverse=descending)
    assert found(either, sort=(Sort("priority"), Sort("title", descending))) == ids


def test_the_newest_come_first_where_no_order_is_asked_for(either: Store) -> None:
    old, new = added(either, a_task(), a_task(created_at=NOW + timedelta(seconds=1)))
    assert found(either) == [new.id, old.id]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_put_together_are_the_list(either: Store, limit: int) -> None:
    added(either, *(a_task(title=title) for title in "cabba"))
    query = TaskQuery(sort=(Sort("title"), Sort("created_at", descending=True)))
    pages = [either.tasks.find(query, PageRequest(limit=limit))]
    while pages[-1].next is not None:
        pages.append(either.tasks.find(query, PageRequest(limit=limit, after=pages[-1].next)))
    assert [t for page in pages for t in page.items] == list(either.tasks.find(query, PageRequest()).items)
    assert [len(page.items) for page in pages] == [limit] * (5 // limit) + [5 % limit] * (5 % limit > 0)


def test_a_full_page_with_nothing_behind_it_is_the_last(either: Store) -> None:
    added(either, a_task(), a_task())
    assert either.tasks.find(TaskQuery(), PageRequest(limit=2)).next is None


def test_the_total_counts_what_matches_on_all_pages(either: Store) -> None:
    added(either, a_task(), a_task(), a_task(), a_task(status="backlog"), a_full_task())
    page = either.tasks.find(TaskQuery(statuses=("todo",)), PageRequest(limit=1, with_total=True))
    assert page.total == 3
    next_request = PageRequest(limit=1, with_total=True, after=page.next)
    assert either.tasks.find(TaskQuery(statuses=("todo",)), next_request).total == 3


def test_all_that_match_are_counted(either: Store) -> None:
    added(either, a_task(), a_task(), a_task(status="backlog"), a_full_task())
    assert either.tasks.count(TaskQuery(statuses=("todo",))) == 2
    assert either.tasks.count(TaskQuery(binned=True)) == 1


def test_nothing_is_counted_unasked(either: Store) -> None:
    added(either, a_task())
    assert either.tasks.find(TaskQuery(), PageRequest()).total is None


def test_ids_are_found_in_order_up_to_a_limit(either: Store) -> None:
    tasks = added(either, *(a_task(title=title) for title in "bac"))
    query = TaskQuery(sort=(Sort("title"),))
    assert either.tasks.find_ids(query, limit=2) == (tasks[1].id, tasks[0].id)


def test_subtasks_are_told_with_their_parents(either: Store) -> None:
    one, two = an_id(), an_id()
    a, b, c, _, _ = added(
        either,
        a_task(parent_id=one),
        a_task(parent_id=one),
        a_task(parent_id=two),
        a_task(parent_id=an_id()),
        a_task(parent_id=one, deleted_at=NOW),
    )
    assert either.tasks.parents_of_subtasks([one, two]) == {a.id: one, b.id: one, c.id: two}


def test_the_next_version_takes_the_place_of_the_one_before(either: Store) -> None:
    (task,) = added(either, a_task())
    later = replace(a_full_task(), id=task.id, version=2, deleted_at=None)
    either.tasks.replace(later)
    assert either.tasks.get(task.id) == later


def test_the_next_version_may_empty_every_field(either: Store) -> None:
    (full,) = added(either, replace(a_full_task(), deleted_at=None))
    emptied = replace(a_task(), id=full.id, version=full.version + 1)
    either.tasks.replace(emptied)
    assert either.tasks.get(full.id) == emptied


@pytest.mark.parametrize("version", [1, 3, 4])
def test_only_the_very_next_version_is_stored(either: Store, version: int) -> None:
    (task,) = added(either, a_task(version=1))
    with pytest.raises(WriteConflict):
        either.tasks.replace(replace(task, title="Other", version=version))
    assert either.tasks.get(task.id) == task


def test_a_task_that_is_not_there_is_not_brought_back_by_a_write(either: Store) -> None:
    task = a_task(version=2)
    with pytest.raises(WriteConflict):
        either.tasks.replace(task)
    with pytest.raises(NotFound):
        either.tasks.get(task.id)


def test_touching_a_task_changes_nothing_that_can_be_seen(either: Store) -> None:
    task, other = added(either, a_task(), a_task())
    either.tasks.touch([task.id, other.id])
    assert either.tasks.get_many([task.id, other.id]) == {task.id: task, other.id: other}


def test_a_touched_task_takes_its_next_version(either: Store) -> None:
    (task,) = added(either, a_task())
    either.tasks.touch([task.id])
    either.tasks.replace(replace(task, version=2))
    assert either.tasks.get(task.id).version == 2


def test_the_tasks_that_wait_for_others_are_found_by_these_and_their_status(either: Store) -> None:
    one, two, three = an_id(), an_id(), an_id()
    first, second, _, _, _ = added(
        either,
        a_task(blocked_by=(one, three)),
        a_task(blocked_by=(two,)),
        a_task(blocked_by=(three,)),
        a_task(blocked_by=(one,), status="completed"),
        a_task(blocked_by=(one,), deleted_at=NOW),
    )
    assert list(either.tasks.waiting_for([one, two], ["todo"])) == [first, second]


@pytest.mark.parametrize(
    ("task", "forward", "binned", "limit", "ranks"),
    [
        ("b", True, True, 5, "c"), ("b", True, False, 5, "dde"), ("b", True, False, 2, "dd"),
        ("b", False, False, 5, "a"), ("e", False, True, 5, "c"), ("e", False, False, 2, "dd"),
        (None, True, False, 2, "ab"), (None, False, False, 2, "ed"), (None, False, True, 2, "c"),
        ("e", True, False, 1, ""), ("b", False, True, 1, ""),
    ],
)  # fmt: skip
def test_the_neighbours_of_a_task_are_those_of_its_project_the_nearest_first(
    either: Store, task: str | None, forward: bool, binned: bool, limit: int, ranks: str
) -> None:
    tasks = {rank: a_task(rank=rank, deleted_at=NOW if rank == "c" else None) for rank in "edcba"}
    added(either, *tasks.values(), a_task(rank="d"), a_task(rank="bV", project="OPS"))

    found = either.tasks.neighbours("TASK", task and tasks[task], forward=forward, binned=binned, limit=limit)

    assert "".join(neighbour.rank for neighbour in found) == ranks


def test_neighbours_of_equal_rank_are_told_apart_by_id(either: Store) -> None:
    tasks = sorted(added(either, *(a_task(rank="a") for _ in range(3))), key=lambda task: task.id)

    after = either.tasks.neighbours("TASK", tasks[0], forward=True, binned=False, limit=9)
    before = either.tasks.neighbours("TASK", tasks[2], forward=False, binned=False, limit=9)

    assert (list(after), list(before)) == (tasks[1:], tasks[1::-1])


def test_many_tasks_are_ranked_in_their_next_versions(store: Store) -> None:
    tasks = added(store, *(a_task() for _ in range(3)))
    changed = [replace(task, rank="x", version=2) for task in tasks[:2]]

    store.tasks.replace_ranks(changed)
    store.tasks.replace_ranks([])

    assert [store.tasks.get(task.id) for task in tasks] == [*changed, tasks[2]]


@pytest.mark.parametrize("version", [1, 3])
def test_many_tasks_are_only_ranked_in_the_version_after_the_stored_one(store: Store, version: int) -> None:
    one, other = added(store, a_task(), a_task())

    with pytest.raises(WriteConflict):
        store.tasks.replace_ranks([replace(one, version=2), replace(other, version=version)])

    assert store.tasks.get(other.id) == other


# --- users


def test_a_user_that_was_added_is_got(either: Store) -> None:
    user = a_full_user()
    either.users.add(user)
    assert either.users.get(user.id) == user


@pytest.mark.parametrize("no_id", NO_IDS)
def test_what_is_no_users_id_is_not_found(either: Store, no_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        either.users.get(no_id)
    assert (caught.value.entity, caught.value.key) == ("user", no_id)


def test_a_user_is_got_by_name(either: Store) -> None:
    user = a_user(username="ada")
    either.users.add(user)
    assert either.users.get_by_username("ada") == user


def test_a_name_that_nobody_has_is_not_found(either: Store) -> None:
    with pytest.raises(NotFound):
        either.users.get_by_username("ada")


def test_of_many_those_users_that_there_are_are_got(either: Store) -> None:
    one, two = a_user(), a_user(active=False)
    either.users.add(one)
    either.users.add(two)
    assert either.users.get_many([one.id, two.id, an_id()]) == {one.id: one, two.id: two}
    assert either.users.get_many([]) == {}


def test_ids_are_found_by_username(either: Store) -> None:
    ada, bob = a_user(username="ada"), a_user(username="bob")
    for user in (ada, bob, a_user()):
        either.users.add(user)
    assert either.users.ids_by_username(["ada", "bob", "nobody"]) == {"ada": ada.id, "bob": bob.id}
    assert either.users.ids_by_username([]) == {}


def test_users_come_by_name_page_by_page(either: Store) -> None:
    for name in ("cyd", "ada", "bob"):
        either.users.add(a_user(username=name))
    first = either.users.find(PageRequest(limit=2, with_total=True))
    second = either.users.find(PageRequest(limit=2, after=first.next))
    assert [user.username for user in (*first.items, *second.items)] == ["ada", "bob", "cyd"]
    assert (first.total, second.next) == (3, None)


def test_the_next_version_of_a_user_takes_the_place_of_the_one_before(either: Store) -> None:
    user = a_user()
    either.users.add(user)
    later = replace(a_full_user(), id=user.id, version=2)
    either.users.replace(later)
    assert either.users.get(user.id) == later


def test_a_stale_version_of_a_user_is_a_conflict(either: Store) -> None:
    user = a_user()
    either.users.add(user)
    with pytest.raises(WriteConflict):
        either.users.replace(user)


def test_touching_a_user_changes_nothing_that_can_be_seen(either: Store) -> None:
    user = a_user()
    either.users.add(user)
    either.users.touch(user.id)
    assert either.users.get(user.id) == user


def test_only_active_admins_are_counted(either: Store) -> None:
    for given in (
        {"role": Role.ADMIN},
        {"role": Role.ADMIN},
        {"role": Role.ADMIN, "active": False},
        {"role": Role.MANAGER},
    ):
        either.users.add(a_user(**given))
    assert either.users.count_active_admins() == 2


def test_two_users_cannot_have_one_name(store: Store) -> None:
    store.users.add(a_user(username="ada"))
    with pytest.raises(UsernameTaken) as caught:
        store.users.add(a_user(username="ada"))
    assert caught.value.username == "ada"


def test_two_users_cannot_have_one_email_address_whatever_its_case(store: Store) -> None:
    store.users.add(a_user(email="ada@example.org"))
    with pytest.raises(EmailTaken):
        store.users.add(a_user(email="Ada@EXAMPLE.org"))


def test_two_users_may_have_no_email_address(store: Store) -> None:
    store.users.add(a_user(email=None))
    store.users.add(a_user(email=None))
    assert len(store.users.find(PageRequest()).items) == 2


def test_a_user_cannot_take_anothers_name_later(store: Store) -> None:
    ada, bob = a_user(username="ada"), a_user(username="bob")
    store.users.add(ada)
    store.users.add(bob)
    with pytest.raises(UsernameTaken):
        store.users.replace(replace(bob, username="ada", version=2))


def test_a_user_cannot_take_anothers_email_address_later(store: Store) -> None:
    ada, bob = a_user(email="ada@example.org"), a_user()
    store.users.add(ada)
    store.users.add(bob)
    with pytest.raises(EmailTaken):
        store.users.replace(replace(bob, email="ADA@example.org", version=2))


# --- users with their tasks: an aggregation that mongomock does not know

CONTEXT = QueryContext(NOW, DEFAULT_POLICY)


def test_each_user_comes_with_open_tasks_first_and_soonest_due_first(store: Store) -> None:
    ada, bob = a_user(username="ada"), a_user(username="bob")
    store.users.add(bob)
    store.users.add(ada)
    soon = DueDate.at_instant(NOW)
    late = DueDate.at_instant(NOW + timedelta(days=1))
    closed, undated, later, sooner, _, _ = added(
        store,
        a_task(assignee_id=ada.id, status="completed", due_date=soon),
        a_task(assignee_id=ada.id),
        a_task(assignee_id=ada.id, status="in_progress", due_date=late),
        a_task(assignee_id=ada.id, due_date=soon),
        a_task(assignee_id=ada.id, deleted_at=NOW),
        a_task(),
    )
    page = store.users.find_with_tasks(PageRequest(), CONTEXT, tasks_limit=20)
    assert [row.user for row in page.items] == [ada, bob]
    assert list(page.items[0].tasks) == [sooner, later, undated, closed]
    assert list(page.items[1].tasks) == []


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4])
def test_each_user_comes_with_a_limited_number_of_tasks_and_the_count_of_all(
    store: Store, limit: int
) -> None:
    ada = a_user()
    store.users.add(ada)
    statuses = ("todo", "in_progress", "completed")
    added(store, *(a_task(assignee_id=ada.id, status=status) for status in statuses))
    (row,) = store.users.find_with_tasks(PageRequest(), CONTEXT, tasks_limit=limit).items
    assert (len(row.tasks), row.tasks_total) == (min(limit, 3), 3)


def test_users_with_tasks_come_page_by_page(store: Store) -> None:
    for name in ("cyd", "ada", "bob"):
        store.users.add(a_user(username=name))
    page_request = PageRequest(limit=2, with_total=True)
    first = store.users.find_with_tasks(page_request, CONTEXT, tasks_limit=1)
    page_request = PageRequest(limit=2, after=first.next)
    second = store.users.find_with_tasks(page_request, CONTEXT, tasks_limit=1)
    assert [row.user.username for row in (*first.items, *second.items)] == ["ada", "bob", "cyd"]
    assert (first.total, second.total, second.next) == (3, None, None)


# --- comments


def test_a_comment_that_was_added_is_got(either: Store) -> None:
    comment = a_full_comment()
    either.comments.add(comment)
    assert either.comments.get(comment.id) == comment


@pytest.mark.parametrize("no_id", NO_IDS)
def test_what_is_no_comments_id_is_not_found(either: Store, no_id: str) -> None:
    with pytest.raises(NotFound):
        either.comments.get(no_id)


def test_a_tasks_comments_come_oldest_first_page_by_page(either: Store) -> None:
    task_id = an_id()
    late = a_comment(task_id=task_id, created_at=NOW + timedelta(seconds=1))
    first, second = a_comment(task_id=task_id), a_comment(task_id=task_id)
    for comment in (late, second, a_comment(), first):
        either.comments.add(comment)
    one = either.comments.find(task_id, PageRequest(limit=2, with_total=True))
    two = either.comments.find(task_id, PageRequest(limit=2, after=one.next))
    assert [*one.items, *two.items] == [first, second, late]
    assert (one.total, two.next) == (3, None)


def test_the_next_version_of_a_comment_takes_the_place_of_the_one_before(either: Store) -> None:
    comment = a_comment()
    either.comments.add(comment)
    later = replace(a_full_comment(), id=comment.id, version=2)
    either.comments.replace(later)
    assert either.comments.get(comment.id) == later


def test_a_stale_version_of_a_comment_is_a_conflict(either: Store) -> None:
    comment = a_comment()
    either.comments.add(comment)
    with pytest.raises(WriteConflict):
        either.comments.replace(comment)


def test_a_removed_comment_is_gone(either: Store) -> None:
    comment = a_comment()
    either.comments.add(comment)
    either.comments.remove(comment)
    with pytest.raises(NotFound):
        either.comments.get(comment.id)


def test_another_version_of_a_comment_than_the_stored_one_is_not_removed(either: Store) -> None:
    comment = a_comment()
    either.comments.add(comment)
    with pytest.raises(WriteConflict):
        either.comments.remove(replace(comment, version=2))
    assert either.comments.get(comment.id) == comment


# --- the log


def test_entries_come_newest_first(either: Store) -> None:
    old, new = a_change(), replace(a_full_change(), at=NOW + timedelta(seconds=1))
    either.activity.append(old)
    either.activity.append(new)
    assert list(either.activity.find(ActivityQuery(), PageRequest()).items) == [new, old]


def test_entries_of_one_moment_come_by_id_the_latest_first(either: Store) -> None:
    entries = [a_change() for _ in range(3)]
    for entry in entries:
        either.activity.append(entry)
    first = either.activity.find(ActivityQuery(), PageRequest(limit=2))
    second = either.activity.find(ActivityQuery(), PageRequest(limit=2, after=first.next))
    assert [*first.items, *second.items] == entries[::-1]


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({}, True),
        ({"entity": "task"}, True),
        ({"entity": "user"}, False),
        ({"entity_id": ADA}, True),
        ({"entity_id": BOB}, False),
        ({"by": BOB}, True),
        ({"by": "system:tests"}, False),
        ({"kinds": ("task.created", "task.binned")}, True),
        ({"kinds": ("task.binned",)}, False),
        ({"kinds": ()}, False),
        ({"change_set": PARENT}, True),
        ({"change_set": BLOCKER}, False),
        ({"at_from": NOW}, True),
        ({"at_from": NOW + timedelta(milliseconds=1)}, False),
        ({"at_to": NOW}, False),
        ({"at_to": NOW + timedelta(milliseconds=1)}, True),
        ({"at_from": NOW, "at_to": NOW + timedelta(days=1)}, True),
        ({"entity": "task", "by": BOB, "kinds": ("task.created",)}, True),
        ({"entity": "task", "by": ADA}, False),
    ],
)
def test_a_filter_of_the_log_lets_through_what_it_names(
    either: Store, query: dict[str, Any], matches: bool
) -> None:
    entry = a_change(entity_id=ADA, by=BOB, change_set=PARENT)
    either.activity.append(entry)
    page = either.activity.find(ActivityQuery(**query), PageRequest())
    assert list(page.items) == ([entry] if matches else [])


def test_an_entity_has_one_entry_a_version(store: Store) -> None:
    entry = a_change(version=3)
    store.activity.append(entry)
    with pytest.raises(WriteConflict):
        store.activity.append(replace(entry, id=an_id()))


@pytest.mark.parametrize("other", [{"version": 4}, {"entity_id": an_id()}, {"entity": "user"}])
def test_entries_of_another_version_or_entity_do_not_collide(store: Store, other: dict[str, Any]) -> None:
    entry = a_change(version=3)
    store.activity.append(entry)
    store.activity.append(replace(entry, id=an_id(), **other))
    assert len(store.activity.find(ActivityQuery(), PageRequest()).items) == 2


# --- tokens


def test_a_token_comes_with_its_owner_and_the_hash_of_its_secret(either: Store) -> None:
    owner = a_full_user()
    token = replace(a_full_token(), user_id=owner.id)
    either.users.add(owner)
    either.tokens.add(token, SECRET_HASH)
    expected = StoredToken(token=token, secret_hash=SECRET_HASH, owner=owner)
    assert either.tokens.find_with_owner(token.id) == expected


def test_an_unknown_token_has_no_owner(either: Store) -> None:
    assert either.tokens.find_with_owner(an_id()) is None


def test_a_token_without_an_owner_is_none(either: Store) -> None:
    token = a_token()
    either.tokens.add(token, SECRET_HASH)
    assert either.tokens.find_with_owner(token.id) is None


def test_a_token_is_got(either: Store) -> None:
    token = a_full_token()
    either.tokens.add(token, SECRET_HASH)
    assert either.tokens.get(token.id) == token


@pytest.mark.parametrize("no_id", NO_IDS)
def test_what_is_no_tokens_id_is_not_found(either: Store, no_id: str) -> None:
    with pytest.raises(NotFound):
        either.tokens.get(no_id)


def test_a_users_tokens_come_newest_first(either: Store) -> None:
    owner = an_id()
    old = a_token(user_id=owner)
    new = a_token(user_id=owner, created_at=NOW + timedelta(seconds=1))
    for token in (old, a_token(), new):
        either.tokens.add(token, SECRET_HASH)
    assert list(either.tokens.find_by_user(owner)) == [new, old]


def test_a_removed_token_is_gone(either: Store) -> None:
    token = a_token()
    either.tokens.add(token, SECRET_HASH)
    either.tokens.remove(token.id)
    assert either.tokens.find_with_owner(token.id) is None


def test_removing_what_is_not_there_is_no_error(either: Store) -> None:
    either.tokens.remove(an_id())


def test_the_use_of_a_token_is_noted(either: Store) -> None:
    token = a_token()
    either.tokens.add(token, SECRET_HASH)
    either.tokens.record_use(token.id, NOW + timedelta(hours=1))
    assert either.tokens.get(token.id) == replace(token, last_used_at=NOW + timedelta(hours=1))


def test_the_use_of_a_token_that_is_gone_brings_nothing_back(either: Store) -> None:
    token = a_token()
    either.tokens.record_use(token.id, NOW)
    with pytest.raises(NotFound):
        either.tokens.get(token.id)


# --- stored responses

RESPONSE = StoredResponse(
    status=201, headers={"Location": "/api/v1/tasks/1", "ETag": '"1"'}, body=b'{"a": 1}\0'
)
RECORD = IdempotencyRecord(fingerprint=b"print", response=RESPONSE)
SOON = NOW + timedelta(hours=24)


def store_response(store: Store, caller: str, key: str) -> None:
    store.idempotency.reserve(caller, key, SOON)
    store.idempotency.save(caller, key, RECORD)


def test_a_response_is_stored_by_caller_and_key(either: Store) -> None:
    store_response(either, "ada", "key")
    assert either.idempotency.get("ada", "key", now=NOW) == RECORD


@pytest.mark.parametrize(("caller", "key"), [("bob", "key"), ("ada", "other"), ("adak", "ey")])
def test_another_caller_or_key_has_no_response(either: Store, caller: str, key: str) -> None:
    store_response(either, "ada", "key")
    assert either.idempotency.get(caller, key, now=NOW) is None


def test_a_response_that_has_expired_is_not_returned(either: Store) -> None:
    store_response(either, "ada", "key")
    assert either.idempotency.get("ada", "key", now=SOON - timedelta(milliseconds=1)) is not None
    assert either.idempotency.get("ada", "key", now=SOON) is None


def test_two_commands_do_not_reserve_one_key(store: Store) -> None:
    """The second reserves it while the first is running, and has to run again."""

    def first() -> None:
        store.idempotency.reserve("ada", "key", SOON)
        with ThreadPoolExecutor(1) as pool, pytest.raises(Unavailable):
            pool.submit(store.unit_of_work.run, second, seconds=0.3).result()

    def second() -> None:
        store.idempotency.reserve("ada", "key", SOON)

    store.unit_of_work.run(first)
