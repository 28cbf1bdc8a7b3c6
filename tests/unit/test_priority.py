"""Priorities and roles: names that are ordered by rank."""

from __future__ import annotations

import json
import operator
from enum import StrEnum
from itertools import pairwise

import pytest

from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.priority import PRIORITIES, Priority, parse_priority
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Kind, Role
from taskmgr.domain.model.workflow import Category

IN_ORDER = [Priority.LOW, Priority.MEDIUM, Priority.HIGH, Priority.URGENT]


def test_priorities_are_ordered_by_rank_and_not_by_name() -> None:
    assert sorted([Priority.URGENT, Priority.LOW, Priority.HIGH, Priority.MEDIUM]) == IN_ORDER
    assert max(IN_ORDER) is Priority.URGENT


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(IN_ORDER)))
def test_each_priority_is_lower_than_the_next(lower: Priority, higher: Priority) -> None:
    assert lower < higher
    assert lower <= higher
    assert higher > lower
    assert higher >= lower
    assert lower != higher


@pytest.mark.parametrize("priority", IN_ORDER)
def test_a_priority_comes_back_from_its_rank_and_its_name(priority: Priority) -> None:
    assert PRIORITIES[priority.rank] is priority
    assert parse_priority(priority.value) is priority


@pytest.mark.parametrize("value", [0, 3, "3", "URGENT", None, True])
def test_anything_but_its_name_is_not_a_priority(value: object) -> None:
    with pytest.raises(BadValue):
        parse_priority(value)


def test_roles_are_ordered_from_least_to_most() -> None:
    assert sorted(Role, reverse=True) == [Role.ADMIN, Role.MANAGER, Role.MEMBER, Role.VIEWER]


@pytest.mark.parametrize(("ranked", "another"), [(Priority, Role.ADMIN), (Role, Priority.HIGH)])
def test_a_ranked_name_is_ordered_only_with_its_own_kind(
    ranked: type[Priority | Role], another: StrEnum
) -> None:
    lowest, *_, highest = ranked

    assert (lowest.rank, highest.rank) == (0, 3)
    for other in ("high", str(highest), 3, another):
        for compare in (operator.lt, operator.le, operator.gt, operator.ge):
            with pytest.raises(TypeError):
                compare(lowest, other)
            with pytest.raises(TypeError):
                compare(other, lowest)


@pytest.mark.parametrize(
    "member", [Priority.HIGH, Role.ADMIN, Kind.PERSON, Category.STARTED, Scope.TASKS_READ]
)
def test_a_member_is_equal_to_its_text_and_serialised_as_it(member: StrEnum) -> None:
    assert member == member.value
    assert f"{member}" == member.value
    assert json.loads(json.dumps({member: member})) == {member.value: member.value}
    assert {member: 1}[member.value] == 1
