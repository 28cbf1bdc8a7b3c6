"""The table of rights: each action by each role, as the task's creator, as its assignee, and as neither."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from taskmgr.domain.model.errors import NotPermitted
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.user import Actor, Role
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action, rights_to_change, rights_to_create
from tests.factories import SYSTEM, a_full_task, a_task, a_user, an_actor, an_id

ROLES = (Role.VIEWER, Role.MEMBER, Role.MANAGER, Role.ADMIN)
RELATIONS = ("creator", "assignee", "nobody")
NO, ALL = frozenset[str](), frozenset(RELATIONS)
OWN, CREATED = frozenset({"creator", "assignee"}), frozenset({"creator"})

# The rule book's table: for each action the relations to the task with which a viewer, a member, a
# manager and an admin may do it.
BOOK = {
    Action.READ: (ALL, ALL, ALL, ALL),
    Action.CREATE_TASK: (NO, ALL, ALL, ALL),
    Action.CHANGE_TASK: (NO, OWN, ALL, ALL),
    Action.TAKE_TASK: (NO, ALL, ALL, ALL),
    Action.ASSIGN: (NO, NO, ALL, ALL),
    Action.OVERRIDE: (NO, NO, ALL, ALL),
    Action.SET_URGENT: (NO, CREATED, ALL, ALL),
    Action.COMMENT: (NO, ALL, ALL, ALL),
    Action.CHANGE_COMMENTS: (NO, NO, ALL, ALL),
    Action.CHANGE_VIEWS: (NO, NO, ALL, ALL),
    Action.CHANGE_PROFILE: (ALL, ALL, ALL, ALL),
    Action.MANAGE_USERS: (NO, NO, NO, ALL),
    Action.MANAGE_WEBHOOKS: (NO, NO, NO, ALL),
    Action.CREATE_DEMO: (NO, NO, NO, ALL),
    Action.SEE_EMAILS: (NO, NO, ALL, ALL),
    Action.MANAGE_PROJECTS: (NO, NO, ALL, ALL),
    Action.CHOOSE_DEFAULT_PROJECT: (NO, NO, NO, ALL),
}
CASES = [
    (action, role, relation, relation in allowed)
    for action, by_role in BOOK.items()
    for (role, allowed), relation in product(zip(ROLES, by_role, strict=True), RELATIONS)
]


def a_task_with(actor: Actor, relation: str) -> Any:
    return {
        "creator": a_task(created_by=actor.id, assignee_id=an_id()),
        "assignee": a_task(created_by=an_id(), assignee_id=actor.user_id),
        "nobody": a_task(created_by=an_id(), assignee_id=an_id()),
    }[relation]


def test_every_action_and_every_role_are_in_the_table() -> None:
    assert set(permissions.TABLE) == set(BOOK) == set(Action)
    assert all(set(row) == set(Role) == set(ROLES) for row in permissions.TABLE.values())


@pytest.mark.parametrize(("action", "role", "relation", "allowed"), CASES)
def test_the_table_is_that_of_the_rule_book(action: Action, role: Role, relation: str, allowed: bool) -> None:
    actor = an_actor(role)
    assert permissions.permits(actor, action, a_task_with(actor, relation)) is allowed


@pytest.mark.parametrize(("action", "role", "relation", "allowed"), CASES)
def test_a_missing_right_is_explained_by_who_has_it(
    action: Action, role: Role, relation: str, allowed: bool
) -> None:
    actor = an_actor(role)
    task = a_task_with(actor, relation)
    missing = permissions.missing_right(actor, action, task)
    if allowed:
        assert missing is None
        permissions.require(actor, action, task)
    else:
        with pytest.raises(NotPermitted, match=r"^Only .* may ") as caught:
            permissions.require(actor, action, task)
        assert str(caught.value) == missing


@pytest.mark.parametrize(
    ("action", "detail"),
    [
        (
            Action.CHANGE_TASK,
            "Only a member who created the task or is assigned to it, a manager or an admin "
            "may change this task.",
        ),
        (
            Action.SET_URGENT,
            "Only a member who created the task, a manager or an admin "
            "may raise a task to urgent or lower it from there.",
        ),
        (Action.CREATE_TASK, "Only a member, a manager or an admin may create a task."),
        (Action.MANAGE_USERS, "Only an admin may manage users, roles and other people's tokens."),
    ],
)
def test_the_detail_names_the_roles(action: Action, detail: str) -> None:
    assert permissions.missing_right(an_actor(Role.VIEWER), action, a_task()) == detail


@pytest.mark.parametrize("action", Action)
def test_a_system_process_may_do_what_an_admin_may(action: Action) -> None:
    assert permissions.permits(SYSTEM, action, a_task(created_by=an_id()))


def test_a_task_without_an_assignee_does_not_belong_to_a_system_process() -> None:
    narrowed = replace(SYSTEM, role=Role.MEMBER)
    assert not permissions.permits(narrowed, Action.CHANGE_TASK, a_task(created_by=an_id()))


# --- which rights a change needs

ME, OTHER = an_id(), an_id()
MEMBER = an_actor(Role.MEMBER, id=ME)
ASSIGNMENTS = [
    (None, ME, Action.TAKE_TASK),
    (ME, None, Action.TAKE_TASK),
    (None, OTHER, Action.ASSIGN),
    (OTHER, None, Action.ASSIGN),
    (OTHER, ME, Action.ASSIGN),
    (ME, OTHER, Action.ASSIGN),
]


def needed(before: dict[str, Any], after: dict[str, Any], *, override: bool = False) -> list[Action]:
    task = a_task(**before)
    return list(rights_to_change(task, replace(task, **after), after, actor=MEMBER, override=override))


@pytest.mark.parametrize(("before", "after", "action"), ASSIGNMENTS)
def test_assigning_alone_needs_no_right_to_change(
    before: str | None, after: str | None, action: Action
) -> None:
    assert needed({"assignee_id": before}, {"assignee_id": after}) == [action]


@pytest.mark.parametrize(("before", "after", "action"), ASSIGNMENTS)
def test_assigning_with_another_field_needs_both_rights(
    before: str | None, after: str | None, action: Action
) -> None:
    both = needed({"assignee_id": before}, {"assignee_id": after, "title": "Other"})
    assert both == [Action.CHANGE_TASK, action]


@pytest.mark.parametrize("assignee", [None, ME, OTHER])
def test_assigning_to_the_current_assignee_needs_the_right_to_change(assignee: str | None) -> None:
    assert needed({"assignee_id": assignee}, {"assignee_id": assignee}) == [Action.CHANGE_TASK]


@pytest.mark.parametrize(("before", "after"), [("high", "urgent"), ("urgent", "low")])
def test_raising_to_urgent_and_lowering_from_it_needs_a_right_of_its_own(before: str, after: str) -> None:
    actions = needed({"priority": Priority(before)}, {"priority": Priority(after)})
    assert actions == [Action.CHANGE_TASK, Action.SET_URGENT]


@pytest.mark.parametrize(("before", "after"), [("urgent", "urgent"), ("low", "high")])
def test_other_changes_of_priority_need_no_further_right(before: str, after: str) -> None:
    assert needed({"priority": Priority(before)}, {"priority": Priority(after)}) == [Action.CHANGE_TASK]


def test_an_override_needs_a_right_of_its_own() -> None:
    assert needed({}, {"title": "Other"}, override=True) == [Action.CHANGE_TASK, Action.OVERRIDE]


def test_an_empty_change_needs_the_right_to_change() -> None:
    assert needed({}, {}) == [Action.CHANGE_TASK]


# --- which rights a creation needs


@pytest.mark.parametrize(
    ("assignee", "actions"),
    [
        (None, [Action.CREATE_TASK]),
        (ME, [Action.CREATE_TASK, Action.TAKE_TASK]),
        (OTHER, [Action.CREATE_TASK, Action.ASSIGN]),
    ],
)
def test_creating_for_others_needs_the_right_to_assign(assignee: str | None, actions: list[Action]) -> None:
    task = a_task(assignee_id=assignee)
    assert list(rights_to_create(task, actor=MEMBER, override=False)) == actions


def test_creating_with_an_override_needs_that_right() -> None:
    actions = list(rights_to_create(a_task(), actor=MEMBER, override=True))
    assert actions == [Action.CREATE_TASK, Action.OVERRIDE]


def test_creating_an_urgent_task_needs_no_further_right() -> None:
    urgent = replace(a_full_task(), assignee_id=None)
    assert list(rights_to_create(urgent, actor=MEMBER, override=False)) == [Action.CREATE_TASK]


# --- e-mail addresses


@pytest.mark.parametrize(
    ("role", "sees"), [(Role.VIEWER, False), (Role.MEMBER, False), (Role.MANAGER, True), (Role.ADMIN, True)]
)
def test_only_managers_and_admins_see_other_peoples_email_addresses(role: Role, sees: bool) -> None:
    user = a_user(email="ada@example.org")
    seen = permissions.as_seen_by(an_actor(role), user)
    assert seen == (user if sees else replace(user, email=None))


@pytest.mark.parametrize("role", ROLES)
def test_users_see_their_own_email_address(role: Role) -> None:
    user = a_user(email="ada@example.org", role=role)
    assert permissions.as_seen_by(Actor.of(user), user) == user


def test_a_system_process_sees_every_email_address() -> None:
    assert permissions.may_see_email(SYSTEM, an_id())
