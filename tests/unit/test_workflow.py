"""Statuses and the transitions between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW
from taskmgr.domain.model.workflow import CLOSED, OPEN, Category, Workflow

STATUSES = ("backlog", "todo", "in_progress", "in_review", "completed", "cancelled")
EDGES = {
    ("backlog", "todo"),
    ("backlog", "cancelled"),
    ("todo", "backlog"),
    ("todo", "in_progress"),
    ("todo", "cancelled"),
    ("in_progress", "todo"),
    ("in_progress", "in_review"),
    ("in_progress", "completed"),
    ("in_progress", "cancelled"),
    ("in_review", "in_progress"),
    ("in_review", "completed"),
    ("in_review", "cancelled"),
    ("completed", "in_progress"),
    ("cancelled", "todo"),
}


def a_workflow(transitions: dict[str, tuple[str, ...]], initial: str = "a") -> Workflow:
    return Workflow(
        initial=initial,
        categories=dict.fromkeys(transitions, Category.UNSTARTED),
        transitions=transitions,
    )


def test_the_default_policy_is_that_of_the_rule_book() -> None:
    policy = DEFAULT_POLICY
    assert (policy.wip_limit, policy.urgent_limit, policy.four_eyes) == (5, 3, False)
    assert policy.workflow.initial == "todo"


def test_the_default_statuses_come_in_their_order() -> None:
    assert DEFAULT_WORKFLOW.statuses == STATUSES


@pytest.mark.parametrize("start", STATUSES)
@pytest.mark.parametrize("to", STATUSES)
def test_the_default_workflow_has_the_edges_of_the_rule_book_and_no_other(start: str, to: str) -> None:
    assert DEFAULT_WORKFLOW.leads(start, to) == (start == to or (start, to) in EDGES)


def test_the_edges_can_be_walked() -> None:
    assert set(DEFAULT_WORKFLOW.edges()) == EDGES


@pytest.mark.parametrize(
    ("status", "category", "is_open"),
    [
        ("backlog", Category.UNSTARTED, True),
        ("todo", Category.UNSTARTED, True),
        ("in_progress", Category.STARTED, True),
        ("in_review", Category.STARTED, True),
        ("completed", Category.COMPLETED, False),
        ("cancelled", Category.CANCELLED, False),
    ],
)
def test_each_default_status_has_its_category(status: str, category: Category, is_open: bool) -> None:
    assert DEFAULT_WORKFLOW.category(status) is category
    assert DEFAULT_WORKFLOW.is_open(status) is category.is_open is is_open


def test_every_category_is_either_open_or_closed() -> None:
    assert {*OPEN, *CLOSED} == set(Category)
    assert not {*OPEN} & {*CLOSED}


def test_statuses_are_found_by_category() -> None:
    assert DEFAULT_WORKFLOW.in_category(*OPEN) == ("backlog", "todo", "in_progress", "in_review")
    assert DEFAULT_WORKFLOW.in_category(Category.CANCELLED) == ("cancelled",)
    assert DEFAULT_WORKFLOW.in_category() == ()


def test_a_status_is_parsed_by_name() -> None:
    assert DEFAULT_WORKFLOW.parse("in_review") == "in_review"


@pytest.mark.parametrize("value", ["IN_REVIEW", "in review", "", None, 1, ["todo"]])
def test_an_unknown_status_is_refused_with_the_known_ones(value: object) -> None:
    with pytest.raises(BadValue) as caught:
        DEFAULT_WORKFLOW.parse(value)
    assert (caught.value.code, caught.value.allowed) == ("not_allowed", STATUSES)


@pytest.mark.parametrize(
    ("start", "to", "first"),
    [
        ("backlog", "completed", "todo"),
        ("backlog", "in_progress", "todo"),
        ("todo", "completed", "in_progress"),
        ("todo", "in_review", "in_progress"),
        ("completed", "backlog", "in_progress"),
        ("completed", "todo", "in_progress"),
        ("cancelled", "completed", "todo"),
        ("in_review", "backlog", "in_progress"),
        ("todo", "in_progress", "in_progress"),
    ],
)
def test_the_next_status_is_on_a_shortest_path(start: str, to: str, first: str) -> None:
    assert DEFAULT_WORKFLOW.next_status_towards(start, to) == first


def test_without_a_path_there_is_no_next_status() -> None:
    workflow = a_workflow({"a": ("b",), "b": (), "c": ("a",)})
    assert workflow.next_status_towards("a", "c") is None


def test_every_default_status_can_be_reached() -> None:
    assert DEFAULT_WORKFLOW.reachable() == set(STATUSES)


def test_a_status_without_a_path_to_it_cannot_be_reached() -> None:
    workflow = a_workflow({"a": ("b",), "b": ("a",), "c": ("a", "b")})
    assert workflow.reachable() == {"a", "b"}


NAMES = "abcdef"
WORKFLOWS = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(NAMES), unique=True).map(tuple) for name in NAMES}
).map(lambda table: a_workflow({name: tuple(t for t in to if t != name) for name, to in table.items()}))


@given(WORKFLOWS, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_the_way_leads_there_and_grows_shorter_with_each_step(
    workflow: Workflow, start: str, to: str
) -> None:
    path = [start]
    while path[-1] != to and (step := workflow.next_status_towards(path[-1], to)) is not None:
        path.append(step)
    assert len(set(path)) == len(path) <= len(NAMES)
    assert all(workflow.leads(a, b) for a, b in pairwise(path))
    if path[-1] != to:  # then no reachable status has a transition to it
        reached = {start}
        for _ in NAMES:
            reached |= {there for here in reached for there in workflow.transitions[here]}
        assert to not in reached
