"""Tests that a body loaded without marshmallow has the values that marshmallow would load."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import marshmallow as ma
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.api.input.endpoint import Endpoint
from taskmgr.api.request_state import RequestState, begin
from taskmgr.api.schemas import comments, task_bodies, tokens, users  # noqa: F401 - so that all are known
from taskmgr.api.schemas.base import Body, ParsedText

pytestmark = pytest.mark.slow

BODIES = sorted(Body.__subclasses__(), key=lambda schema: schema.__name__)
ID, LATER = "0123456789abcdef01234567", "2999-12-01T10:00:00Z"
# What each field takes, by its name in any body.
RIGHT: dict[str, list[Any]] = {
    "title": ["Write", " Write "],
    "description": ["", "Words"],
    "status": ["todo", "in_progress"],
    "priority": ["low", "urgent"],
    "due_date": ["2026-12-01", LATER],
    "assignee_id": [ID, "me"],
    "labels": [[], ["UI", "ui"]],
    "parent_id": [ID],
    "blocked_by": [[], [ID]],
    "reason": ["Why"],
    "override": [True, False],
    "version": [1, 7],
    "text": ["Said"],
    "username": ["Ada", "ada.l"],
    "name": ["Ada"],
    "email": ["ada@example.org"],
    "role": ["member"],
    "kind": ["person"],
    "active": [True],
    "scopes": [["tasks:read"]],
    "expires_at": [LATER],
    "user_id": [ID],
}
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.text(max_size=3),
    st.just({"$gt": ""}),
    st.lists(st.integers(), max_size=1),
)


def right_values(body: type[Body]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies in which every value fits, and of the fields that must be there all are."""
    by_field = {name: (st.sampled_from(RIGHT[name]), field) for name, field in body().fields.items()}
    return st.fixed_dictionaries(
        {name: value for name, (value, field) in by_field.items() if field.required},
        optional={
            name: value | st.none() if field.allow_none else value
            for name, (value, field) in by_field.items()
            if not field.required
        },
    )


@pytest.fixture(autouse=True)
def _in_app(app: Flask) -> Iterator[None]:
    with app.app_context():
        caller: Any = SimpleNamespace(user=SimpleNamespace(id="f" * 24))  # whom `me` stands for
        begin(RequestState("test", 0.0, Endpoint(), identity=caller))
        yield


def outcome(load: Any, data: Any) -> Any:
    """What was read, in order, or the mistakes."""
    try:
        return list(load(data).items())
    except ma.ValidationError as error:
        return error.messages


def by_marshmallow(schema: Body) -> Any:
    """The same schema's reading where nothing is cut short: with an option that says what holds anyway."""
    return lambda data: schema.load(data, unknown=ma.RAISE)


@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
@given(data=st.data())
def test_a_valid_body_is_loaded_as_marshmallow_loads_it(body: type[Body], data: st.DataObject) -> None:
    right = data.draw(right_values(body))
    read = outcome(body().load, right)

    assert isinstance(read, list), read
    assert read == outcome(by_marshmallow(body()), right)


@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
@given(data=st.data())
def test_a_possibly_invalid_body_is_judged_as_marshmallow_judges_it(
    body: type[Body], data: st.DataObject
) -> None:
    changes = data.draw(st.dictionaries(st.sampled_from([*body().fields, "unknown"]), WRONG, max_size=2))
    left_out = data.draw(st.sets(st.sampled_from(list(body().fields)), max_size=1))
    given_ = {k: v for k, v in {**data.draw(right_values(body)), **changes}.items() if k not in left_out}

    assert outcome(body().load, given_) == outcome(by_marshmallow(body()), given_)


@pytest.mark.parametrize("wrong", [None, [], "title", 7, [{"title": "x"}]])
@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
def test_a_body_that_is_not_an_object_is_invalid_for_both(body: type[Body], wrong: Any) -> None:
    assert outcome(body().load, wrong) == outcome(by_marshmallow(body()), wrong)
    assert not isinstance(outcome(body().load, wrong), list)


@pytest.mark.parametrize("body", BODIES, ids=lambda schema: schema.__name__)
def test_a_body_has_no_hooks_and_no_defaults(body: type[Body]) -> None:
    assert body.__subclasses__() == []
    assert not any(body._hooks.values())
    assert all(field.load_default is ma.missing for field in body().fields.values())


@pytest.mark.parametrize(
    "more", [{"validate": ma.validate.Length(max=1)}, {"data_key": "other"}, {"attribute": "other"}]
)
def test_a_field_that_does_more_than_parsing_is_rejected(more: dict[str, Any]) -> None:
    schema = Body.from_dict({"name": ParsedText(str, **more)})

    with pytest.raises(TypeError, match="does more than parsing"):
        schema().load({"name": "a"})
