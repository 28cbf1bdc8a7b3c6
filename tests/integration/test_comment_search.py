"""A search finds tasks by the words of their comments, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent, CommandSucceededEvent

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.task import Task
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.queries.search import words_of
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk import UnexpectedCount
from taskmgr.infrastructure.mongo.mappers import comment_document
from taskmgr.infrastructure.mongo.reads.commented_tasks import MAX_COMMENTS
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.writing import validated_row
from tests.factories import SYSTEM, Clock, a_comment, a_task

MakeTask = Callable[..., Task]


@pytest.fixture
def found(services: Services) -> Callable[..., list[str]]:
    """Titles of the tasks that a search finds, in order."""

    def search(text: str, **query: Any) -> list[str]:
        page = services.tasks.list(TaskQuery(words=words_of(text), **query), by=SYSTEM)
        return [task.title for task in page.items]

    return search


@pytest.fixture
def comment(services: Services) -> Callable[[Task, str], str]:
    """Comments on a task and returns the comment's id."""
    return lambda task, text: services.comments.create(task.id, text=text, by=SYSTEM).id


def test_a_comment_leads_to_its_task(make_task: MakeTask, comment: Any, found: Any) -> None:
    comment(make_task(title="Invoice"), "Größe ist zu prüfen")
    make_task(title="Letter")

    assert found("gros pruf") == ["Invoice"]


def test_all_words_have_to_occur_in_one_comment_or_in_the_task(
    make_task: MakeTask, comment: Any, found: Any
) -> None:
    task = make_task(title="Invoice", description="For the bakery")
    comment(task, "Paid by transfer")
    comment(task, "Sent by mail")

    assert found("paid transfer") == found("invoice bakery") == ["Invoice"]
    assert found("paid mail") == found("invoice paid") == []


def test_a_changed_comment_is_found_by_its_new_words_alone(
    services: Services, make_task: MakeTask, comment: Any, found: Any
) -> None:
    task = make_task(title="Invoice")
    comment_id = comment(task, "Paid")
    services.comments.change(task.id, comment_id, text="Refunded", by=SYSTEM)

    assert found("refunded") == ["Invoice"]
    assert found("paid") == []


def test_a_deleted_comment_leads_nowhere(
    services: Services, make_task: MakeTask, comment: Any, found: Any
) -> None:
    task = make_task(title="Invoice")
    services.comments.delete(task.id, comment(task, "Paid"), by=SYSTEM)

    assert found("paid") == []


def test_the_comments_of_a_task_in_the_bin_lead_to_it_in_the_bin(
    services: Services, make_task: MakeTask, comment: Any, found: Any
) -> None:
    task = make_task(title="Invoice")
    comment(task, "Paid")
    services.tasks.bin(task.id, by=SYSTEM)

    assert found("paid") == []
    assert found("paid", binned=True) == ["Invoice"]


def test_a_comment_does_not_write_its_task(
    database: Database[Any], services: Services, make_task: MakeTask, comment: Any
) -> None:
    task = make_task()
    before = database["tasks"].find_one()
    comment_id = comment(task, "Paid")
    services.comments.change(task.id, comment_id, text="Refunded", by=SYSTEM)
    services.comments.delete(task.id, comment_id, by=SYSTEM)

    assert database["tasks"].find_one() == before


def test_titles_and_labels_come_before_comments(
    make_task: MakeTask, comment: Any, found: Any, clock: Clock
) -> None:
    make_task(title="Pay the baker")
    make_task(title="Labelled", labels=["pay"])
    for title in ("Older", "Newer"):
        clock.advance(seconds=1)
        comment(make_task(title=title), "Pay, pay, pay!")

    assert found("pay") == ["Pay the baker", "Labelled", "Newer", "Older"]


@pytest.mark.parametrize("sort", [(), (Sort("title"),), (Sort("created_at", descending=True),)], ids=str)
def test_pages_go_on_through_tasks_found_either_way(
    sort: tuple[Sort, ...], make_task: MakeTask, comment: Any, services: Services
) -> None:
    for number in range(4):
        make_task(title=f"Pay {number}")
        comment(make_task(title=f"Task {number}"), "Pay")
    query = TaskQuery(words=("pay",), sort=sort)
    whole = services.tasks.list(query, by=SYSTEM).items
    page_request, walked = PageRequest(limit=3), []
    for _ in range(3):
        page = services.tasks.list(query, page_request, by=SYSTEM)
        walked += page.items
        page_request = replace(page_request, after=page.next)

    assert page.next is None
    assert walked == [*whole]
    assert len({task.id for task in walked}) == 8


def test_a_bulk_by_query_changes_what_is_found_by_a_comment(
    services: Services, make_task: MakeTask, comment: Any
) -> None:
    task = make_task(title="Invoice")
    comment(task, "Paid")
    make_task(title="Paid")
    query = TaskQuery(words=("paid",))

    with pytest.raises(UnexpectedCount, match="The query matches 2 tasks instead of 1"):
        services.bulk.change_where(query, {"priority": "high"}, expect=1, by=SYSTEM)
    services.bulk.change_where(query, {"priority": "high"}, expect=2, by=SYSTEM)

    assert services.tasks.get(task.id, by=SYSTEM).priority == "high"


def test_only_the_newest_comments_count(database: Database[Any], store: Store) -> None:
    forgotten, busy = a_task(title="Forgotten"), a_task(title="Busy")
    store.tasks.add(forgotten)
    store.tasks.add(busy)
    store.comments.add(a_comment(task_id=forgotten.id, text="Paid once"))
    newer = [a_comment(task_id=busy.id, text="Paid") for _ in range(MAX_COMMENTS)]
    database["comments"].insert_many([validated_row(comment_document(comment)) for comment in newer])

    def found(*words: str) -> set[str]:
        return {task.title for task in store.tasks.find(TaskQuery(words=words), PageRequest()).items}

    assert found("paid") == {"Busy"}
    assert found("once", "paid") == {"Forgotten"}
    store.comments.remove(newer[0])
    assert found("paid") == {"Busy", "Forgotten"}


class Heard(CommandListener):
    """The commands that were sent, and something to be done after the first read."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.meanwhile: Callable[[], object] | None = None

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append((event.command_name, event.command.get(event.command_name)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if self.meanwhile is not None and event.command_name == "find":
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()

    def failed(self, event: Any) -> None: ...


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def listened(heard: Heard, mongodb_uri: str, database: Database[Any]) -> Iterator[Services]:
    """Services whose every command to the database is heard."""
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[heard]) as connection:
        yield build_services(mongo_store(connection[database.name]))


@pytest.mark.parametrize("comments", [0, 1, 150])
def test_a_search_takes_one_more_call_however_many_comments_it_finds(
    comments: int, make_task: MakeTask, database: Database[Any], listened: Services, heard: Heard
) -> None:
    tasks = [make_task(title=f"Task {number}") for number in range(3)]
    for number in range(comments):
        row = validated_row(comment_document(a_comment(task_id=tasks[number % 3].id, text="Paid")))
        database["comments"].insert_one(row)
    query = TaskQuery(words=("paid",), sort=(Sort("title"),))

    page = listened.tasks.list(query, by=SYSTEM)
    assert heard.sent == [("find", "comments"), ("find", "tasks")]
    records = listened.tasks.list_records(query, PageRequest(), by=SYSTEM)
    assert heard.sent[2:] == [("find", "comments"), ("find", "tasks")]
    assert len(page.items) == len(records.items) == min(3, comments)


def test_other_lists_do_not_read_the_comments(listened: Services, heard: Heard) -> None:
    listened.tasks.list_records(TaskQuery(), PageRequest(), by=SYSTEM)

    assert heard.sent == [("find", "tasks")]


def test_the_comments_and_tasks_of_a_list_are_of_one_moment(
    services: Services, make_task: MakeTask, comment: Any, listened: Services, heard: Heard
) -> None:
    task = make_task(title="Paid")

    def move_the_word() -> None:
        comment(task, "Paid")
        services.tasks.change(task.id, {"title": "Open"}, by=SYSTEM)

    heard.meanwhile = move_the_word
    page = listened.tasks.list_records(TaskQuery(words=("paid",)), PageRequest(), by=SYSTEM)

    assert [record["title"] for record in page.items] == ["Paid"]
    assert page.as_of not in (None, services.health.latest_write())
    assert [task.title for task in listened.tasks.list(TaskQuery(words=("paid",)), by=SYSTEM).items] == [
        "Open"
    ]
