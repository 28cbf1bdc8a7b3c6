"""All rules together: their order, what an override lifts, and that each has tests of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model.errors import Refusal, Refused
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.user import Role
from taskmgr.domain.rules import rule_book
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule import FIX_ACTIONS, Rule
from tests.factories import NOW, SYSTEM, a_user, an_actor
from tests.unit.steps import (
    ADA,
    BOB,
    CLOSED_PARENT,
    DUE,
    FIVE,
    FOUR_EYES,
    GONE,
    ME,
    ONE,
    ONE_NAME,
    OPEN_PARENT,
    STATUSES,
    THREE,
    TWO,
    TWO_NAME,
    URGENT,
    codes,
    creation,
    moving,
    step,
)

# --- all of them together


def test_the_rules_are_in_the_documented_order() -> None:
    assert [rule.__name__ for rule in rule_book.RULES] == [
        "project_archived",
        "transition_not_allowed",
        "assignee_required",
        "assignee_inactive",
        "blocked_by_unfinished_tasks",
        "open_subtasks",
        "parent_closed",
        "wip_limit_reached",
        "reviewer_required",
        "reason_required",
        "task_closed",
        "urgent_needs_due_date",
        "urgent_limit_reached",
        "cycle",
        "chain_too_long",
        "too_deep",
        "has_subtasks",
    ]


def test_all_refusals_of_a_step_are_collected_in_that_order() -> None:
    one = step(
        {"status": "completed", "parent_id": ONE, "assignee_id": BOB},
        {"status": "in_progress", "assignee_id": GONE.id, "priority": URGENT, "blocked_by": (TWO,)},
    )
    assert codes(
        one,
        assignee=GONE,
        parent=CLOSED_PARENT,
        unresolved_blockers=(TWO_NAME,),
        started=FIVE,
        urgent=THREE,
        cycle=(ONE_NAME, TWO_NAME, ONE_NAME),
        levels=6,
    ) == [
        "assignee_inactive",
        "blocked_by_unfinished_tasks",
        "parent_closed",
        "wip_limit_reached",
        "reason_required",
        "urgent_needs_due_date",
        "urgent_limit_reached",
        "cycle",
        "too_deep",
    ]


def test_a_plain_creation_is_allowed() -> None:
    assert codes(creation()) == []


@pytest.mark.parametrize("status", STATUSES)
def test_staying_in_a_status_is_allowed(status: str) -> None:
    assert codes(moving(status, status)) == []


# --- what is raised, and what an override lifts


def refusals(*overridable: bool) -> list[Refusal]:
    return [
        Refusal(code=f"rule_{number}", detail=f"{number}.", overridable=lifts)
        for number, lifts in enumerate(overridable)
    ]


def test_without_refusals_nothing_is_raised_or_lifted() -> None:
    assert rule_book.raise_unless_overridden([], override=False) is False
    assert rule_book.raise_unless_overridden([], override=True) is False


def test_all_refusals_are_raised_together() -> None:
    with pytest.raises(Refused) as caught:
        rule_book.raise_unless_overridden(refusals(True, False), override=False)
    assert caught.value.reasons == tuple(refusals(True, False))


def test_an_override_lifts_what_can_be_lifted() -> None:
    assert rule_book.raise_unless_overridden(refusals(True, True), override=True) is True


def test_an_override_lifts_nothing_else_and_only_the_rest_is_raised() -> None:
    with pytest.raises(Refused) as caught:
        rule_book.raise_unless_overridden(refusals(True, False, True), override=True)
    assert [reason.code for reason in caught.value.reasons] == ["rule_1"]


OVERRIDABLE = {
    "blocked_by_unfinished_tasks",
    "open_subtasks",
    "wip_limit_reached",
    "reviewer_required",
    "urgent_limit_reached",
}
IDS = st.sampled_from([None, ADA, BOB, ME, GONE.id])
FIELDS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(Priority),
        "assignee_id": IDS,
        "parent_id": st.sampled_from([None, ONE]),
        "due_date": st.sampled_from([None, DUE]),
        "blocked_by": st.sampled_from([(), (TWO,)]),
        "deleted_at": st.sampled_from([None, NOW]),
    }
)
OPTIONS = st.fixed_dictionaries(
    {
        "reason": st.sampled_from([None, "Because."]),
        "override": st.booleans(),
        "created": st.booleans(),
        "policy": st.sampled_from([DEFAULT_POLICY, FOUR_EYES, Policy(wip_limit=0, urgent_limit=0)]),
        "by": st.sampled_from([SYSTEM, an_actor(Role.MANAGER, id=ME), an_actor(id=ADA)]),
    }
)
FACTS = st.builds(
    Facts,
    assignee=st.sampled_from([None, GONE, a_user(id=ADA)]),
    parent=st.sampled_from([None, CLOSED_PARENT, OPEN_PARENT]),
    binned_parent=st.sampled_from([None, ONE_NAME]),
    unresolved_blockers=st.sampled_from([(), (TWO_NAME,)]),
    open_subtasks=st.sampled_from([(), (ONE_NAME,)]),
    subtasks=st.sampled_from([(), (ONE_NAME,)]),
    started=st.sampled_from([(), FIVE]),
    urgent=st.sampled_from([(), THREE]),
    cycle=st.sampled_from([(), (ONE_NAME, TWO_NAME, ONE_NAME)]),
    chain_too_long=st.booleans(),
    levels=st.integers(0, 7),
)


@given(FIELDS, FIELDS, OPTIONS, FACTS)
def test_every_refusal_is_of_the_rule_book(
    before: dict[str, Any], after: dict[str, Any], options: dict[str, Any], facts: Facts
) -> None:
    result = rule_book.find_refusals(step(before, after, **options), facts)
    order = [rule.__name__ for rule in rule_book.RULES]
    assert [r.code for r in result] == sorted({r.code for r in result}, key=order.index)
    for refusal in result:
        assert refusal.detail.endswith(".")
        assert refusal.overridable is (refusal.code in OVERRIDABLE)
        if refusal.fix is not None:
            assert refusal.fix.action in FIX_ACTIONS
            assert refusal.fix.text.endswith(".")


@given(FIELDS, FIELDS, OPTIONS, FACTS)
def test_a_reason_never_causes_a_refusal(
    before: dict[str, Any], after: dict[str, Any], options: dict[str, Any], facts: Facts
) -> None:
    without = rule_book.find_refusals(step(before, after, **{**options, "reason": None}), facts)
    reasoned = rule_book.find_refusals(step(before, after, **{**options, "reason": "Because."}), facts)
    lifted = ("reason_required", "urgent_needs_due_date")
    assert list(reasoned) == [refusal for refusal in without if refusal.code not in lifted]


# --- every rule has a test


@pytest.mark.parametrize("rule", rule_book.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_tests_of_its_refusal_and_of_when_it_refuses(rule: Rule) -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_rules*.py"))

    assert re.search(rf"refusal_of\(\s*rule_book\.{rule.__name__},", tests)
    assert re.search(rf"refuses\(\s*rule_book\.{rule.__name__},", tests)
