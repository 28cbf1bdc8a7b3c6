"""Tests that the service accepts every cursor that it returns, for every sort."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskmgr.api.conditional.cursors import MAX_LENGTH, Cursors
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import MAX_TITLE_LENGTH
from taskmgr.domain.queries.pages import Position
from taskmgr.domain.queries.search import folded, title_key
from taskmgr.domain.queries.task_query import TASK_SORTS, Sort, TaskQuery
from taskmgr.infrastructure.mongo.mappers import task_document
from taskmgr.infrastructure.mongo.reads.task_filters import task_order
from tests.api.client import Client
from tests.factories import a_task, an_id

CURSORS = Cursors("a secret of this test alone")
# Characters that grow when they are folded, encoded or escaped.
GROWING = ["\ufdfa", "\U0001f680", '"', "\\", "\uff02", "한", "ß", "ﬃ", "㌀", "x"]
titles = st.text(
    st.sampled_from(GROWING) | st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=MAX_TITLE_LENGTH,
)


@example("\ufdfa" * MAX_TITLE_LENGTH)
@example("\U0001f680" * MAX_TITLE_LENGTH)
@example('"' * MAX_TITLE_LENGTH)
@given(titles)
def test_a_cursor_of_every_sort_at_once_is_accepted(title: str) -> None:
    query = TaskQuery(sort=tuple(map(Sort, TASK_SORTS)))
    row = task_document(a_task(title=title)).values
    position = Position(tuple(row[name] for name, _ in task_order(query.order) if name != "_id"), an_id())

    text = CURSORS.encode(position, query)

    assert text is not None
    assert len(text) <= MAX_LENGTH
    assert CURSORS.decode(text, query) == position


@given(titles)
def test_a_title_is_sorted_by_the_beginning_of_its_folded_form(title: str) -> None:
    assert len(title_key(title)) <= MAX_TITLE_LENGTH
    assert folded(title).startswith(title_key(title))


@pytest.mark.parametrize("title", [letter * MAX_TITLE_LENGTH for letter in GROWING])
def test_a_walk_by_title_goes_through_titles_that_grow(
    title: str, client: Client, make_task: Callable[..., Task]
) -> None:
    made = {make_task(title=title).id for _ in range(3)}
    member, found = client.as_("member"), []
    page: dict[str, Any] = {"next": None, "items": []}
    while len(found) < len(made):
        more = {"cursor": page["next"]} if page["next"] else {}
        answer = member.get("tasks", sort="title,priority", limit="1", **more)
        assert answer.status_code == 200, answer.text
        page = answer.json
        found += [task["id"] for task in page["items"]]

    assert page["next"] is None
    assert {*found} == made


def test_titles_that_are_equal_beyond_the_key_are_sorted_by_id(
    client: Client, make_task: Callable[..., Task]
) -> None:
    long = "\ufdfa" * (MAX_TITLE_LENGTH - 1)
    made = [make_task(title=long + end).id for end in "cab"]

    listed = client.as_("member").get("tasks", sort="title").json["items"]

    assert [task["id"] for task in listed] == sorted(made)


@pytest.mark.parametrize("keys", [(datetime(9999, 12, 31, tzinfo=UTC),), ("u" * 40,)])
def test_cursors_of_the_other_lists_are_short(keys: tuple[Any, ...]) -> None:
    text = CURSORS.encode(Position(keys, an_id()), "query")
    assert text is not None
    assert len(text) < 200
    assert CURSORS.decode(text, "query").keys == keys
