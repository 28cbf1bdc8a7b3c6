"""A body that is read without detours means what marshmallow would have read."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import marshmallow as ma
import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.api.schemas import comments, tasks, users  # noqa: F401 - so that all are known
from taskmgr.api.schemas.base import Command

BODIES = sorted(Command.__subclasses__(), key=lambda schema: schema.__name__)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 12),
    st.text(max_size=3),
    st.sampled_from(
        ["todo", "urgent", "2026-12-01", "0123456789abcdef01234567", "me", "member", "person", "a@b.org"]
    ),
    st.lists(st.sampled_from(["ui", "UI", "tasks:read", "0123456789abcdef01234567", 1]), max_size=3),
    st.just({"$gt": ""}),
)


@pytest.fixture(autouse=True)
def _in_app(app: Flask) -> Iterator[None]:
    with app.app_context():
        g.identity = SimpleNamespace(user=SimpleNamespace(id="f" * 24))  # whom `me` stands for
        yield


def outcome(load: Any, data: Any) -> Any:
    """What was read, in order, or the mistakes."""
    try:
        return list(load(data).items())
    except ma.ValidationError as error:
        return error.messages


def by_marshmallow(schema: Command) -> Any:
    """The same schema's reading where nothing is cut short: with an option that says what holds anyway."""
    return lambda data: schema.load(data, unknown=ma.RAISE)


@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
@given(data=st.data())
def test_both_ways_read_the_same(body: type[Command], data: st.DataObject) -> None:
    names = st.sampled_from([*body().fields, "unknown"])
    given_ = data.draw(st.dictionaries(names, VALUES, max_size=4))

    assert outcome(body().load, given_) == outcome(by_marshmallow(body()), given_)


@pytest.mark.parametrize("wrong", [None, [], "title", 7, [{"title": "x"}]])
@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
def test_what_is_no_object_is_wrong_either_way(body: type[Command], wrong: Any) -> None:
    assert outcome(body().load, wrong) == outcome(by_marshmallow(body()), wrong)
    assert not isinstance(outcome(body().load, wrong), list)


@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
def test_a_body_has_no_hooks_and_parses_every_field(body: type[Command]) -> None:
    assert not any(body._hooks.values())
    assert all(hasattr(field, "parser") for field in body().fields.values())
    assert all(field.load_default is ma.missing for field in body().fields.values())
