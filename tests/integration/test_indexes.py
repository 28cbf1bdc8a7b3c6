"""Every list is read from an index, and in its order where the docs promise it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from pymongo.database import Database

from taskmgr.api.app import create_app
from taskmgr.api.input.endpoint import Endpoint
from taskmgr.api.input.parsing import parse_query
from taskmgr.api.request_state import RequestState, begin
from taskmgr.api.schemas.task_queries import TaskListQuery
from taskmgr.api.views.task_list import build_task_query
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.rank import rank_of
from taskmgr.domain.queries.activity_query import ActivityQuery
from taskmgr.domain.queries.pages import Position
from taskmgr.domain.queries.task_query import TASK_SORTS, QueryContext, TaskQuery
from taskmgr.infrastructure.mongo.documents.tasks import TaskDocument
from taskmgr.infrastructure.mongo.mappers import comment_document, project_document, task_document
from taskmgr.infrastructure.mongo.reads import keyset
from taskmgr.infrastructure.mongo.reads.commented_tasks import MAX_COMMENTS, find_commented
from taskmgr.infrastructure.mongo.reads.task_filters import beginning_with
from taskmgr.infrastructure.mongo.repositories.activity import activity_filter
from taskmgr.infrastructure.mongo.repositories.tasks import NEIGHBOURS_INDEX, build_selection, neighbours_find
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.writing import validated_row
from taskmgr.settings import Settings
from tests.factories import NOW, SYSTEM, a_comment, a_project, a_task, a_user, an_id

PAGE = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text().partition("## Indexes")[2]
PROMISED = re.search(r"```text\n(.*?)```", PAGE, re.S)[1].split()  # type: ignore[index]
FILTERS = [
    "", "id={id}", "project=OPS", "project=OPS,WEB", "project=OPS&status=todo",
    "project=OPS&updated_from=2026-03-01", "project=OPS&q=page",
    "status=todo", "category=closed", "priority=high,urgent", "assignee={id}", "assignee=none",
    "created_by=system:cli", "label=ui", "label=ui&label=fast", "parent={id}", "parent=none",
    "blocked_by={id}", "blocked=true", "blocked=false", "overdue=true", "overdue=false", "due=any",
    "due=none", "due_from=2026-03-01", "due_to=2026-03-31", "created_from=2026-03-01",
    "created_to=2026-03-31", "updated_from=2026-03-01", "updated_to=2026-03-31", "q=page", "q=pag",
    "q=remark", "bin=true",
]  # fmt: skip
SORTS = ["", *(sign + key for key in TASK_SORTS for sign in ("", "-"))]
CONTEXT = QueryContext(NOW, DEFAULT_POLICY)
TASKS = 3_000
PROJECTS = ("OPS", "WEB", "TASK", "TASK")


@pytest.fixture(scope="module")
def filled(worker_database: Database[Any]) -> Iterator[Database[Any]]:
    """Tasks that differ in everything, so that the planner has a choice."""
    statuses, ranks = DEFAULT_POLICY.workflow.statuses, tuple(Priority)
    worker_database["tasks"].delete_many({})
    worker_database["comments"].delete_many({})
    people = [an_id() for _ in range(20)]
    rows, comments = [], []
    for number in range(TASKS):
        at = NOW - timedelta(minutes=number)
        task = a_task(
            title=f"Page {number % 97}", status=statuses[number % len(statuses)], created_at=at,
            updated_at=at, status_changed_at=at, priority=ranks[number % 4],
            assignee_id=people[number % 25] if number % 25 < len(people) else None,
            due_date=DueDate.at_instant(at) if number % 3 else None,
            labels=("ui", "fast")[: number % 3], blocked_by=(an_id(),) if number % 10 == 0 else (),
            parent_id=an_id() if number % 7 == 0 else None, deleted_at=at if number % 11 == 0 else None,
            project=PROJECTS[number * 7 % 13 % len(PROJECTS)], rank=rank_of(number * 37 % TASKS),
        )  # fmt: skip
        rows.append(validated_row(task_document(task)))
        comment = a_comment(task_id=task.id, text=f"Remark on page {number}" if number % 50 == 0 else "Done.")
        comments.append(validated_row(comment_document(comment)))
    projects = [validated_row(project_document(a_project(key=key))) for key in ("OPS", "WEB")]
    worker_database["projects"].delete_many({})
    worker_database["projects"].insert_many(projects)
    worker_database["tasks"].insert_many(rows)
    worker_database["comments"].insert_many(comments)
    yield worker_database
    for name in ("tasks", "comments", "projects"):
        worker_database[name].delete_many({})


SCHEMA = TaskListQuery()


@pytest.fixture(scope="module")
def app(worker_database: Database[Any]) -> Flask:
    return create_app(build_services(mongo_store(worker_database)), Settings(), secret_key="x" * 40)


@pytest.fixture
def parse(filled: Database[Any], app: Flask) -> Any:
    """What a query string asks for."""
    user_id = an_id()
    store = mongo_store(filled)

    def read(text: str) -> TaskQuery:
        with app.test_request_context(f"/api/v1/tasks?{text.replace('{id}', user_id)}"):
            caller: Any = SimpleNamespace(user=SimpleNamespace(id=user_id), actor=SYSTEM)
            begin(RequestState("test", 0.0, Endpoint(), identity=caller))
            return build_task_query(parse_query(SCHEMA))

    store.users.add(a_user(id=user_id))
    return read


def stages_of(plan: Any) -> set[str]:
    """The names of a plan's stages; not of plans that lost, nor of the question that comes along."""
    found: set[str] = set()
    if isinstance(plan, dict):
        if isinstance(plan.get("stage"), str):
            found.add(plan["stage"])
        found |= {"SORT" for key in plan if key == "$sort"}
        for name, inner in plan.items():
            if name not in ("rejectedPlans", "command"):
                found |= stages_of(inner)
    elif isinstance(plan, list):
        for inner in plan:
            found |= stages_of(inner)
    return found


def explained(database: Database[Any], query: TaskQuery, *, page_two: bool = False) -> set[str]:
    selection = build_selection(query, CONTEXT, find_commented(database["comments"], query.words))
    after = _place(database, selection) if page_two else None
    if selection.is_plain:
        command: dict[str, Any] = {
            "find": "tasks", "filter": keyset.filter_after(selection.filter, selection.order, after),
            "sort": dict(selection.order), "limit": 51,
        }  # fmt: skip
    else:
        stages = keyset.pipeline(selection, after, 51)
        command = {"aggregate": "tasks", "pipeline": stages, "cursor": {}}
    return stages_of(database.command("explain", command, verbosity="queryPlanner"))


def _place(database: Database[Any], selection: keyset.Selection) -> Position | None:
    rows = keyset.rows(database["tasks"], selection, after=None, limit=2)
    return keyset.next_position(rows, selection.order, 1)


@pytest.mark.parametrize("page_two", [False, True], ids=["first page", "next page"])
@pytest.mark.parametrize("text", PROMISED)
def test_what_is_promised_comes_from_an_index_in_order(
    text: str, page_two: bool, filled: Database[Any], parse: Any
) -> None:
    stages = explained(filled, parse(text), page_two=page_two)

    assert "IXSCAN" in stages
    assert not stages & {"COLLSCAN", "SORT"}


@pytest.mark.parametrize("page_two", [False, True], ids=["first page", "next page"])
@pytest.mark.parametrize("text", FILTERS)
def test_no_list_reads_the_whole_collection(
    text: str, page_two: bool, filled: Database[Any], parse: Any
) -> None:
    for sort in SORTS:
        query_string = "&".join(part for part in (text, sort and f"sort={sort}") if part)
        stages = explained(filled, parse(query_string), page_two=page_two)
        assert stages & {"IXSCAN", "IDHACK"}, (query_string, stages)
        assert "COLLSCAN" not in stages, query_string


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("project=OPS&status=todo&sort=due_date", "project_status_due"),
        ("project=OPS&status=todo&sort=-due_date", "project_status_due"),
        ("project=OPS", "project_newest"),
        ("project=OPS&sort=created_at", "project_newest"),
        ("project=OPS&sort=key", "project_number"),
        ("project=OPS&sort=-key", "project_number"),
        ("project=OPS&sort=rank", "project_rank"),
        ("project=OPS&sort=-rank", "project_rank"),
        ("sort=key", "project_number"),
        ("sort=rank", "project_rank"),
    ],
)
def test_a_page_of_a_project_reads_no_more_than_the_page(
    text: str, index: str, filled: Database[Any], parse: Any
) -> None:
    selection = build_selection(parse(text), CONTEXT)
    command = {"find": "tasks", "filter": selection.filter, "sort": dict(selection.order), "limit": 51}

    explained = filled.command("explain", command, verbosity="executionStats")

    assert indexes_of(explained["queryPlanner"]["winningPlan"]) == {index}
    assert explained["executionStats"]["totalDocsExamined"] == 51
    assert explained["executionStats"]["totalKeysExamined"] == 51


@pytest.mark.parametrize("binned", [False, True])
@pytest.mark.parametrize("forward", [False, True])
@pytest.mark.parametrize("at_an_end", [False, True])
def test_a_neighbour_by_hand_is_found_without_reading_other_tasks(
    at_an_end: bool, forward: bool, binned: bool, filled: Database[Any]
) -> None:
    place = None if at_an_end else a_task(rank=rank_of(TASKS // 2))
    filters, order = neighbours_find("OPS", place, forward=forward, binned=binned)
    command = {
        "find": "tasks", "filter": filters, "sort": dict(order), "limit": 1, "hint": NEIGHBOURS_INDEX,
    }  # fmt: skip

    explained = filled.command("explain", command, verbosity="executionStats")

    assert "SORT" not in stages_of(explained["queryPlanner"])
    # One key of each range of the index: those of the same rank, and those beyond.
    assert explained["executionStats"]["totalKeysExamined"] <= 2
    assert explained["executionStats"]["totalDocsExamined"] <= 1


def test_a_column_of_a_board_by_hand_reads_no_other_column(filled: Database[Any], parse: Any) -> None:
    query = parse("project=OPS&status=todo&sort=rank")
    selection = build_selection(query, CONTEXT)
    command = {"find": "tasks", "filter": selection.filter, "sort": dict(selection.order), "limit": 51}

    explained = filled.command("explain", command, verbosity="executionStats")

    in_column = filled["tasks"].count_documents(selection.filter)
    assert explained["executionStats"]["totalDocsExamined"] <= in_column


def test_the_log_of_projects_is_read_from_its_index_in_order(filled: Database[Any]) -> None:
    filters = activity_filter(ActivityQuery(projects=("OPS", "WEB")))
    command = {"find": "activity", "filter": filters, "sort": {"at": -1, "_id": -1}, "limit": 51}

    explained = filled.command("explain", command, verbosity="queryPlanner")

    assert indexes_of(explained["queryPlanner"]["winningPlan"]) == {"project"}
    assert "SORT" not in stages_of(explained)


@pytest.mark.parametrize("word", ["remark", "rem"])
def test_the_comments_of_a_search_are_read_from_their_index(word: str, filled: Database[Any]) -> None:
    command = {
        "find": "comments", "filter": {"words": beginning_with([word])}, "sort": {"_id": -1},
        "limit": MAX_COMMENTS,
    }  # fmt: skip

    explained = filled.command("explain", command, verbosity="executionStats")

    assert indexes_of(explained["queryPlanner"]["winningPlan"]) == {"words"}
    assert explained["executionStats"]["totalDocsExamined"] == TASKS / 50


def test_beginnings_of_words_are_read_from_one_range_of_the_index(filled: Database[Any], parse: Any) -> None:
    selection = build_selection(parse("q=pa 9&sort=title"), CONTEXT)
    command = {"find": "tasks", "filter": selection.filter, "hint": "words"}

    explained = filled.command("explain", command, verbosity="executionStats")

    (scan,) = (stage for stage in nodes(explained["queryPlanner"]["winningPlan"]) if "indexBounds" in stage)
    (bounds,) = ([bound for bound in scan["indexBounds"]["words"] if "/" not in bound],)
    assert bounds in (['["9", ":")'], ['["pa", "pb")'])
    matching = {"words": {"$regex": "^9" if "9" in bounds[0] else "^pa"}}
    examined = explained["executionStats"]["totalDocsExamined"]
    assert examined == filled["tasks"].count_documents(matching)


def test_labels_and_their_counts_are_read_from_the_index_alone(filled: Database[Any]) -> None:
    command = {"distinct": "tasks", "key": "labels", "query": {}}
    plan = filled.command("explain", command, verbosity="executionStats")
    assert "DISTINCT_SCAN" in stages_of(plan)
    assert plan["executionStats"]["totalDocsExamined"] == 0

    match = {"labels": "ui", "binned": False}
    pipeline = [{"$match": match}, {"$group": {"_id": "$status", "tasks": {"$sum": 1}}}]
    command = {"aggregate": "tasks", "pipeline": pipeline, "cursor": {}}
    plan = filled.command("explain", command, verbosity="executionStats")
    assert plan["executionStats"]["totalDocsExamined"] == 0


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a plan."""
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(inner)


def indexes_of(plan: Any) -> set[str]:
    """The names of the indexes in a plan."""
    return {stage["indexName"] for stage in nodes(plan) if "indexName" in stage}


def test_every_filter_of_the_docs_is_among_them() -> None:
    named = {part.partition("=")[0] for text in FILTERS for part in text.split("&") if part}
    others = {"limit", "cursor", "total", "sort", "include", "fields"}

    assert named == {*SCHEMA.fields} - others


def test_every_index_has_its_row_in_the_docs() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ((?:`-?\w+`(?:, )?)+)", PAGE, re.M))
    declared = {
        index["name"]: [("-" if way < 0 else "") + name for name, way in index["fields"]]
        for index in TaskDocument._meta["index_specs"]
    }

    assert {name: re.findall(r"`(-?\w+)`", keys) for name, keys in rows.items()} == declared
