"""Whom an entry of the log concerns, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.history.changes import Change
from taskmgr.domain.history.differences import difference
from taskmgr.domain.model.inbox import NewsKind
from taskmgr.domain.model.policy import DEFAULT_POLICY
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Kind, Role
from taskmgr.domain.rules.concerns import (
    Audience,
    completes,
    concerned,
    frees,
    may_be_told,
    news_of,
    owner_id,
)
from tests.factories import NOW, a_change, a_comment, a_task, a_user, an_id

ADA, BOB, EVE, DAN, PAT = (an_id() for _ in range(5))
USER_IDS = {"ada": ADA, "bob": BOB, "eve": EVE}
ASSIGNED, MENTIONED, COMMENTED, CLOSED, MOVED, UNBLOCKED, *_ = NewsKind
# Ada has created it, Bob works on it, Eve has commented, and Dan watches.
TASK = a_task(created_by=ADA, assignee_id=BOB)
FOLLOWERS = {"commenters": frozenset({EVE}), "watchers": frozenset({DAN})}
Reasons = Mapping[str, tuple[NewsKind, ...]]


def change_of(before: Task | None, after: Task, *, by: str) -> Change:
    old, new = difference(before, after)
    return a_change(by=by, entity_id=after.id, before=old, after=new, at=NOW)


def concerned_by(change: Change, task: Task = TASK, **around: Any) -> Reasons:
    audience = Audience(task=task, **{**FOLLOWERS, **around})
    return concerned(change, audience, user_ids=USER_IDS, policy=DEFAULT_POLICY)


def change_by(by: str, **fields: Any) -> Reasons:
    """Returns whom a change of the task concerns."""
    after = replace(TASK, **fields)
    return concerned_by(change_of(TASK, after, by=by), after)


def comment_by(by: str, text: str = "Soon.") -> Reasons:
    comment = a_comment(task_id=TASK.id, author_id=by, text=text)
    _, after = difference(None, comment)
    kind = {"kind": "comment.created", "entity": "comment", "entity_id": comment.id}
    return concerned_by(a_change(by=by, after=after, **kind))


def comment_edited(before: str, after: str) -> Reasons:
    kind = {"kind": "comment.changed", "entity": "comment"}
    return concerned_by(a_change(by=EVE, before={"text": before}, after={"text": after}, **kind))


def test_whoever_is_assigned_a_task_is_told() -> None:
    assert change_by(PAT, assignee_id=EVE) == {EVE: (ASSIGNED,)}


def test_the_assignee_of_a_new_task_is_told() -> None:
    assert concerned_by(change_of(None, TASK, by=ADA)) == {BOB: (ASSIGNED,)}


def test_nobody_is_told_of_an_assignment_that_ends() -> None:
    assert change_by(PAT, assignee_id=None) == {}


def test_whoever_takes_a_task_is_not_told() -> None:
    assert change_by(EVE, assignee_id=EVE) == {}


def test_whoever_a_description_mentions_is_told() -> None:
    assert change_by(PAT, description="Ask @eve or @nobody.") == {EVE: (MENTIONED,)}


def test_whoever_the_description_of_a_new_task_mentions_is_told() -> None:
    task = replace(TASK, assignee_id=None, description="For @eve.")

    assert concerned_by(change_of(None, task, by=ADA), task) == {EVE: (MENTIONED,)}


def test_an_edit_of_the_description_tells_only_those_whom_it_adds() -> None:
    before, after = replace(TASK, description="@eve"), replace(TASK, description="@eve, @bob")

    assert concerned_by(change_of(before, after, by=ADA), after) == {BOB: (MENTIONED,)}


def test_creator_assignee_commenters_and_watchers_are_told_of_a_comment() -> None:
    assert comment_by(PAT) == dict.fromkeys((ADA, BOB, EVE, DAN), (COMMENTED,))


def test_the_author_of_a_comment_is_not_told() -> None:
    assert comment_by(EVE).keys() == {ADA, BOB, DAN}


def test_a_comment_that_mentions_a_follower_has_both_reasons_the_mention_first() -> None:
    assert comment_by(PAT, "@eve: look.")[EVE] == (MENTIONED, COMMENTED)


def test_mentioning_oneself_tells_nobody() -> None:
    assert EVE not in comment_by(EVE, "I am @eve.")


def test_an_edited_comment_tells_only_those_whom_it_mentions_anew() -> None:
    assert comment_edited("@ada: look.", "@ada, @bob: look.") == {BOB: (MENTIONED,)}
    assert comment_edited("@ada: look.", "@ada: look!") == {}


def test_a_deleted_comment_tells_nobody() -> None:
    kind = {"kind": "comment.deleted", "entity": "comment"}

    assert concerned_by(a_change(by=EVE, before={"text": "@ada"}, after={"text": ""}, **kind)) == {}


def test_creator_assignee_commenters_and_watchers_are_told_of_a_move() -> None:
    assert change_by(PAT, status="in_progress") == dict.fromkeys((ADA, BOB, EVE, DAN), (MOVED,))


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_they_are_told_that_a_task_is_closed(status: str) -> None:
    assert change_by(BOB, status=status) == dict.fromkeys((ADA, EVE, DAN), (CLOSED,))


def test_a_reopened_task_has_moved() -> None:
    closed = replace(TASK, status="cancelled")

    assert concerned_by(change_of(closed, TASK, by=BOB)) == dict.fromkeys((ADA, EVE, DAN), (MOVED,))


def test_a_move_from_one_closed_status_to_another_closes_nothing() -> None:
    before, after = replace(TASK, status="cancelled"), replace(TASK, status="completed")

    assert concerned_by(change_of(before, after, by=BOB), after)[ADA] == (MOVED,)


def test_a_move_to_a_status_that_the_policy_no_longer_has_is_told_as_a_move() -> None:
    assert change_by(BOB, status="testing")[ADA] == (MOVED,)


def test_a_change_that_concerns_somebody_in_several_ways_has_all_reasons_in_order() -> None:
    reasons = change_by(PAT, assignee_id=EVE, status="cancelled", description="@eve")

    assert reasons[EVE] == (ASSIGNED, MENTIONED, CLOSED)


@pytest.mark.parametrize(
    "fields", [{"title": "Another"}, {"labels": ("ui",)}, {"rank": "b1"}, {"description": "Nobody."}]
)
def test_other_changes_tell_nobody(fields: dict[str, Any]) -> None:
    assert change_by(PAT, **fields) == {}


@pytest.mark.parametrize("entity", ["user", "token", "project"])
def test_entries_about_other_entities_tell_nobody(entity: str) -> None:
    fields = {"status": "completed", "assignee_id": EVE, "description": "@eve", "text": "@eve"}
    before = {"status": "todo"}

    change = a_change(by=PAT, entity=entity, kind=f"{entity}.changed", before=before, after=fields)

    assert concerned_by(change) == {}


def test_nobody_is_told_of_a_task_in_the_bin() -> None:
    binned = replace(TASK, deleted_at=NOW)

    assert concerned_by(change_of(TASK, replace(TASK, status="completed"), by=PAT), binned) == {}


def test_the_system_concerns_everybody_and_is_told_nothing_as_a_creator() -> None:
    task = replace(TASK, created_by="system:import")
    moved = replace(task, status="in_progress")

    reasons = concerned_by(change_of(task, moved, by="system:import"), moved)

    assert reasons == dict.fromkeys((BOB, EVE, DAN), (MOVED,))


def test_news_name_the_comment_or_the_status() -> None:
    moved = news_of(change_of(TASK, replace(TASK, status="in_progress"), by=ADA), MOVED)
    comment = a_change(entity="comment", kind="comment.created")

    assert (moved.status, moved.comment_id, moved.at) == ("in_progress", None, NOW)
    assert news_of(comment, COMMENTED).comment_id == comment.entity_id


# --- what a completed task frees

BLOCKER = a_task(status="completed", completed_at=NOW)
OPEN_BLOCKER = replace(BLOCKER, status="in_progress", completed_at=None)
WAITING = a_task(blocked_by=(BLOCKER.id,), assignee_id=EVE)
COMPLETION = change_of(OPEN_BLOCKER, BLOCKER, by=ADA)


def is_freed(waiting: Task, *blockers: Task, change: Change = COMPLETION) -> bool:
    return frees(change, waiting, {task.id: task for task in blockers}, DEFAULT_POLICY)


def test_completing_the_only_blocker_frees_a_task() -> None:
    assert completes(COMPLETION, DEFAULT_POLICY)
    assert is_freed(WAITING, BLOCKER)


@pytest.mark.parametrize("status", ["cancelled", "in_review"])
def test_only_a_completion_frees(status: str) -> None:
    assert not completes(change_of(OPEN_BLOCKER, replace(BLOCKER, status=status), by=ADA), DEFAULT_POLICY)


def test_a_new_task_in_a_completed_status_frees_nothing() -> None:
    assert not completes(change_of(None, BLOCKER, by=ADA), DEFAULT_POLICY)


def test_a_task_with_another_unresolved_blocker_is_not_freed() -> None:
    other = a_task(status="cancelled")

    assert not is_freed(replace(WAITING, blocked_by=(BLOCKER.id, other.id)), BLOCKER, other)


def test_a_blocker_in_the_bin_holds_up_nothing() -> None:
    assert is_freed(replace(WAITING, blocked_by=(BLOCKER.id, an_id())), BLOCKER)


@pytest.mark.parametrize("fields", [{"status": "cancelled"}, {"deleted_at": NOW}])
def test_a_task_that_is_closed_or_in_the_bin_is_not_freed(fields: dict[str, Any]) -> None:
    assert not is_freed(replace(WAITING, **fields), BLOCKER)


def test_a_blocker_that_has_been_reopened_meanwhile_frees_nothing() -> None:
    assert not is_freed(WAITING, OPEN_BLOCKER)


def test_of_two_completions_only_the_later_frees() -> None:
    later = a_task(status="completed", completed_at=NOW + timedelta(seconds=1))
    waiting = replace(WAITING, blocked_by=(BLOCKER.id, later.id))
    second = change_of(replace(later, status="in_progress", completed_at=None), later, by=ADA)

    freed = [is_freed(waiting, BLOCKER, later, change=change) for change in (COMPLETION, second)]

    assert freed == [False, True]


def test_of_two_completions_at_the_same_instant_exactly_one_frees() -> None:
    twin = a_task(status="completed", completed_at=NOW)
    waiting = replace(WAITING, blocked_by=(BLOCKER.id, twin.id))
    second = change_of(replace(twin, status="in_progress", completed_at=None), twin, by=ADA)

    freed = [is_freed(waiting, BLOCKER, twin, change=change) for change in (COMPLETION, second)]

    assert sorted(freed) == [False, True]


def test_of_two_completions_of_one_task_only_the_one_that_counts_frees() -> None:
    again = replace(BLOCKER, completed_at=NOW + timedelta(seconds=1))

    assert not is_freed(WAITING, again)
    assert is_freed(WAITING, again, change=change_of(OPEN_BLOCKER, again, by=ADA))


# --- who is told


def test_an_unassigned_task_belongs_to_its_creator() -> None:
    assert owner_id(TASK) == BOB
    assert owner_id(replace(TASK, assignee_id=None)) == ADA


@pytest.mark.parametrize("role", Role)
def test_active_people_are_told_whatever_their_role(role: Role) -> None:
    assert may_be_told(a_user(role=role))


@pytest.mark.parametrize("fields", [{"active": False}, {"kind": Kind.SERVICE}])
def test_deactivated_users_and_programs_are_not_told(fields: dict[str, Any]) -> None:
    assert not may_be_told(a_user(**fields))
