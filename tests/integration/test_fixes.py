"""Every fix that a refusal names is one: done as it says, the command succeeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Any

import pytest

from taskmgr.domain.model.errors import Fix, Refusal, Refused
from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.rules.rule import FIX_ACTIONS
from taskmgr.domain.rules.rule_book import RULES
from taskmgr.domain.services import Services
from tests.factories import SYSTEM

DUE = "2026-12-01"
POLICY = replace(DEFAULT_POLICY, wip_limit=2, urgent_limit=1, four_eyes=True)
WHY = "Because it was told so"

# What no fix is named for: an edge of a ring is to be left out, and a tree to be cut.
WITHOUT_A_FIX = {"cycle", "chain_too_long", "too_deep"}


@dataclass(frozen=True)
class Attempt:
    """A command that is going to be refused: how it is given, and the task that it is about."""

    command: Callable[..., object]
    task_id: str = ""
    given: dict[str, Any] = field(default_factory=lambda: {"by": SYSTEM})

    def __call__(self) -> object:
        return self.command(**self.given)

    def with_(self, **more: Any) -> Attempt:
        return replace(self, given={**self.given, **more})

    def refusals(self) -> tuple[Refusal, ...]:
        """All that stands against it; nothing once it has succeeded."""
        try:
            self()
        except Refused as error:
            return error.reasons
        return ()


class Team:
    """Some people, their tasks, and somebody who does what a fix says, and no more."""

    def __init__(self, services: Services) -> None:
        self.tasks = services.tasks
        self.users = services.users
        self.projects = services.projects
        self.reference = "id"  # or "key": how a fix that is followed names its tasks
        names = {"ada": Role.MEMBER, "bob": Role.MEMBER, "mary": Role.MANAGER}
        self.ada, self.bob, self.mary = (
            Actor.of(services.users.create(by=SYSTEM, username=name, name=name.title(), role=role))
            for name, role in names.items()
        )

    def task(self, **given: Any) -> Task:
        return self.tasks.create(by=SYSTEM, **{"title": "Write the report", **given})

    def started(self, **given: Any) -> Task:
        return self.task(assignee_id=self.ada.id, status="in_progress", **given)

    def completed(self, **given: Any) -> Task:
        return self.move(self.started(**given), "completed")

    def move(self, task: Task, status: str) -> Task:
        return self.tasks.change_status(task.id, status=status, by=SYSTEM, reason=WHY)

    def archived_task(self, *, binned: bool = False) -> Task:
        """Returns a task of a project that has been archived since."""
        self.projects.create(key="OLD", name="Old things", by=SYSTEM)
        task = self.task(project="OLD")
        if binned:
            task = self.tasks.bin(task.id, by=SYSTEM)
        self.projects.change("OLD", {"archived": True}, by=SYSTEM)
        return task

    def moving(self, task: Task, status: str, **given: Any) -> Attempt:
        return self.attempt(self.tasks.change_status, task, status=status, **given)

    def changing(self, task: Task, changes: dict[str, Any], **given: Any) -> Attempt:
        return self.attempt(self.tasks.change, task, changes=changes, **given)

    def attempt(self, command: Callable[..., Task], task: Task, **given: Any) -> Attempt:
        return Attempt(command, task.id, {"task_id": task.id, "by": SYSTEM, **given})

    # --- doing what a fix says

    def follow(self, fix: Fix, attempt: Attempt) -> Attempt:
        """Does it, with nothing but the fix's own arguments; answers the command to repeat."""
        arguments = {
            name.replace("task_key", "task_id"): value
            for name, value in fix.arguments.items()
            if not name.startswith("task_") or name.startswith(f"task_{self.reference}")
        }
        again = getattr(self, f"_{fix.action}")(attempt, **arguments)
        return attempt if again is None else again

    def _change_status(self, attempt: Attempt, status: str) -> None:
        self.tasks.change_status(attempt.task_id, status=status, by=SYSTEM, reason=WHY)

    def _assign(self, attempt: Attempt) -> Attempt | None:
        """To somebody who is active: beforehand, or in the command where it assigns itself."""
        if "assignee_id" in attempt.given:
            return attempt.with_(assignee_id=self.bob.id)
        self.tasks.assign(attempt.task_id, assignee_id=self.bob.id, by=SYSTEM)
        return None

    def _resolve_blockers(self, attempt: Attempt, task_ids: tuple[str, ...]) -> None:
        """The first is completed, the others are removed."""
        first, *others = task_ids
        self._complete(first)
        for blocker in others:
            self.tasks.unblock(attempt.task_id, blocker, by=SYSTEM)

    def _close_subtasks(self, _: Attempt, task_ids: tuple[str, ...]) -> None:
        """The first is completed, the others are cancelled."""
        first, *others = task_ids
        self._complete(first)
        for subtask in others:
            self.tasks.change_status(subtask, status="cancelled", by=SYSTEM, reason=WHY)

    def _bin_subtasks(self, _: Attempt, task_ids: tuple[str, ...]) -> None:
        """The first is given another parent, the others are binned."""
        first, *others = task_ids
        self.tasks.change(first, {"parent_id": self.task().id}, by=SYSTEM)
        for subtask in others:
            self.tasks.bin(subtask, by=SYSTEM)

    def _reopen_parent(self, _: Attempt, task_id: str) -> None:
        status = self.tasks.get(task_id, by=SYSTEM).status
        way_back = DEFAULT_WORKFLOW.transitions[status][0]
        self.tasks.change_status(task_id, status=way_back, by=SYSTEM, reason=WHY)

    def _restore_parent(self, _: Attempt, task_id: str) -> None:
        self.tasks.restore(task_id, by=SYSTEM)

    def _finish_task(self, _: Attempt, task_ids: tuple[str, ...]) -> None:
        self.tasks.change_status(task_ids[0], status="completed", by=SYSTEM)

    def _lower_urgent(self, _: Attempt, task_ids: tuple[str, ...]) -> None:
        self.tasks.change_priority(task_ids[0], priority="high", by=SYSTEM, reason=WHY)

    def _set_due_date(self, attempt: Attempt) -> Attempt | None:
        """Beforehand, or where the command is to remove it: the reason why there is none."""
        if "changes" in attempt.given:
            return attempt.with_(reason=WHY)
        self.tasks.change(attempt.task_id, {"due_date": DUE}, by=SYSTEM)
        return None

    def _ask_another(self, attempt: Attempt) -> Attempt:
        return attempt.with_(by=self.mary)

    def _give_reason(self, attempt: Attempt) -> Attempt:
        return attempt.with_(reason=WHY)

    def _unarchive_project(self, _: Attempt, project: str) -> None:
        self.projects.change(project, {"archived": False}, by=SYSTEM)

    def _choose_default_project(self, _: Attempt) -> None:
        key = self.projects.create(key="OTHER", name="Other", by=SYSTEM).key
        self.projects.change(key, {"is_default": True}, by=SYSTEM)

    def _complete(self, task_id: str) -> None:
        self.tasks.change(task_id, {"status": "in_progress", "assignee_id": self.bob.id}, by=SYSTEM)
        self.tasks.change_status(task_id, status="completed", by=SYSTEM)


Case = Callable[[Team], Attempt]
CASES: dict[Case, tuple[str, str]] = {}


def refused_with(code: str, action: str) -> Callable[[Case], Case]:
    """The rule that stands against what the case attempts, alone, and the action that its fix names."""

    def register(case: Case) -> Case:
        CASES[case] = (code, action)
        return case

    return register


# --- One case for every way in which a rule stands against something


@refused_with("project_archived", "unarchive_project")
def changing_a_task_of_an_archived_project(team: Team) -> Attempt:
    return team.changing(team.archived_task(), {"title": "Other"})


@refused_with("project_archived", "unarchive_project")
def creating_a_task_in_an_archived_project(team: Team) -> Attempt:
    project = team.archived_task().project
    return Attempt(team.tasks.create, given={"by": SYSTEM, "title": "Late", "project": project})


@refused_with("project_archived", "unarchive_project")
def moving_a_task_to_an_archived_project(team: Team) -> Attempt:
    project = team.archived_task().project
    return team.changing(team.task(), {"project": project})


@refused_with("project_archived", "unarchive_project")
def restoring_a_task_of_an_archived_project(team: Team) -> Attempt:
    return team.attempt(team.tasks.restore, team.archived_task(binned=True))


@refused_with("transition_not_allowed", "change_status")
def completing_what_was_never_started(team: Team) -> Attempt:
    return team.moving(team.task(assignee_id=team.bob.id), "completed")


@refused_with("assignee_required", "assign")
def starting_what_is_nobodys(team: Team) -> Attempt:
    return team.moving(team.task(), "in_progress")


@refused_with("assignee_required", "assign")
def taking_a_started_task_from_somebody_for_nobody(team: Team) -> Attempt:
    return team.attempt(team.tasks.assign, team.started(), assignee_id=None)


@refused_with("assignee_inactive", "assign")
def starting_the_task_of_somebody_who_left(team: Team) -> Attempt:
    task = team.task(assignee_id=team.ada.id)
    team.users.change(team.ada.id, {"active": False}, by=SYSTEM)
    return team.moving(task, "in_progress")


@refused_with("assignee_inactive", "assign")
def assigning_to_somebody_who_left(team: Team) -> Attempt:
    team.users.change(team.ada.id, {"active": False}, by=SYSTEM)
    return team.attempt(team.tasks.assign, team.task(), assignee_id=team.ada.id)


@refused_with("blocked_by_unfinished_tasks", "resolve_blockers")
def starting_while_blocked(team: Team) -> Attempt:
    blockers = [team.task().id, team.task().id, team.task(status="cancelled", reason=WHY).id]
    return team.moving(team.task(assignee_id=team.ada.id, blocked_by=blockers), "in_progress")


@refused_with("blocked_by_unfinished_tasks", "resolve_blockers")
def completing_while_blocked(team: Team) -> Attempt:
    task = team.started()
    team.tasks.block(task.id, team.task().id, by=SYSTEM)
    return team.moving(task, "completed")


@refused_with("open_subtasks", "close_subtasks")
def completing_what_has_open_subtasks(team: Team) -> Attempt:
    parent = team.started()
    for _ in range(2):
        team.task(parent_id=parent.id)
    return team.moving(parent, "completed")


@refused_with("parent_closed", "reopen_parent")
def adding_a_subtask_to_a_closed_task(team: Team) -> Attempt:
    parent = team.completed()
    return Attempt(team.tasks.create, given={"by": SYSTEM, "title": "Part", "parent_id": parent.id})


@refused_with("parent_closed", "reopen_parent")
def reopening_a_subtask_of_a_closed_task(team: Team) -> Attempt:
    parent = team.task()
    subtask = team.task(parent_id=parent.id, status="cancelled", reason=WHY)
    team.move(parent, "cancelled")
    return team.moving(subtask, "todo", reason=WHY)


@refused_with("parent_closed", "reopen_parent")
def restoring_an_open_subtask_of_a_closed_task(team: Team) -> Attempt:
    parent = team.started()
    subtask = team.task(parent_id=parent.id)
    team.tasks.bin(subtask.id, by=SYSTEM)
    team.move(parent, "completed")
    return team.attempt(team.tasks.restore, subtask)


@refused_with("parent_closed", "restore_parent")
def restoring_a_subtask_of_a_binned_task(team: Team) -> Attempt:
    parent = team.task()
    subtask = team.task(parent_id=parent.id)
    for task in (subtask, parent):
        team.tasks.bin(task.id, by=SYSTEM)
    return team.attempt(team.tasks.restore, subtask)


@refused_with("wip_limit_reached", "finish_task")
def starting_one_too_many(team: Team) -> Attempt:
    for _ in range(POLICY.wip_limit):
        team.started()
    return team.moving(team.task(assignee_id=team.ada.id), "in_progress")


@refused_with("wip_limit_reached", "finish_task")
def restoring_one_started_task_too_many(team: Team) -> Attempt:
    task = team.started()
    team.tasks.bin(task.id, by=SYSTEM)
    for _ in range(POLICY.wip_limit):
        team.started()
    return team.attempt(team.tasks.restore, task)


@refused_with("reviewer_required", "ask_another")
def completing_ones_own(team: Team) -> Attempt:
    return team.moving(team.started(), "completed", by=team.ada)


@refused_with("reason_required", "give_reason")
def cancelling_without_a_reason(team: Team) -> Attempt:
    return team.moving(team.task(), "cancelled")


@refused_with("reason_required", "give_reason")
def reopening_without_a_reason(team: Team) -> Attempt:
    return team.moving(team.completed(), "in_progress")


@refused_with("reason_required", "give_reason")
def lowering_from_urgent_without_a_reason(team: Team) -> Attempt:
    task = team.task(priority="urgent", due_date=DUE)
    return team.attempt(team.tasks.change_priority, task, priority="low")


@refused_with("reason_required", "give_reason")
def overriding_without_a_reason(team: Team) -> Attempt:
    for _ in range(POLICY.wip_limit):
        team.started()
    return team.moving(team.task(assignee_id=team.ada.id), "in_progress", override=True)


@refused_with("task_closed", "change_status")
def raising_the_priority_of_a_closed_task(team: Team) -> Attempt:
    return team.attempt(team.tasks.change_priority, team.completed(), priority="high")


@refused_with("urgent_needs_due_date", "set_due_date")
def raising_an_undated_task_to_urgent(team: Team) -> Attempt:
    return team.attempt(team.tasks.change_priority, team.task(), priority="urgent")


@refused_with("urgent_needs_due_date", "set_due_date")
def removing_the_due_date_of_an_urgent_task(team: Team) -> Attempt:
    return team.changing(team.task(priority="urgent", due_date=DUE), {"due_date": None})


@refused_with("urgent_limit_reached", "lower_urgent")
def raising_one_too_many_to_urgent(team: Team) -> Attempt:
    of_ada = {"assignee_id": team.ada.id, "due_date": DUE}
    team.task(priority="urgent", **of_ada)
    return team.attempt(team.tasks.change_priority, team.task(**of_ada), priority="urgent")


@refused_with("has_subtasks", "bin_subtasks")
def binning_what_has_subtasks(team: Team) -> Attempt:
    parent = team.task()
    for _ in range(2):
        team.task(parent_id=parent.id)
    return team.attempt(team.tasks.bin, parent)


# --- The tests


@pytest.fixture
def team(services_under: Callable[[Policy], Services]) -> Team:
    return Team(services_under(POLICY))


def follow_fixes(team: Team, attempt: Attempt) -> Iterator[tuple[Refusal, ...]]:
    """What stands against the command each time, and nothing in the end; in between, what the fixes say."""
    for _ in DEFAULT_WORKFLOW.statuses:
        refusals = attempt.refusals()
        yield refusals
        if not refusals:
            return
        for refusal in refusals:
            assert refusal.fix is not None, refusal
            attempt = team.follow(refusal.fix, attempt)


@pytest.mark.parametrize("reference", ["id", "key"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_command_succeeds_once_the_fix_is_done(team: Team, case: Case, reference: str) -> None:
    team.reference = reference
    first, *others = follow_fixes(team, case(team))
    assert [(refusal.code, refusal.fix and refusal.fix.action) for refusal in first] == [CASES[case]]
    *intermediate, last = others
    assert last == ()
    assert not intermediate or CASES[case] == ("transition_not_allowed", "change_status")


@pytest.mark.parametrize(("start", "to"), [*permutations(DEFAULT_WORKFLOW.statuses, 2)])
def test_from_every_status_the_fixes_lead_to_every_other(team: Team, start: str, to: str) -> None:
    task = team.task(assignee_id=team.ada.id)
    *_, last = follow_fixes(team, team.moving(task, start, reason=WHY))
    assert last == ()
    *_, last = follow_fixes(team, team.moving(task, to, reason=WHY))
    assert last == ()
    assert team.tasks.get(task.id, by=SYSTEM).status == to


def test_refusals_that_stand_together_are_lifted_by_their_fixes_together(team: Team) -> None:
    for _ in range(POLICY.wip_limit):
        team.started()
    urgent = {"priority": "urgent", "due_date": DUE, "assignee_id": team.ada.id}
    team.task(**urgent)
    task = team.task(blocked_by=[team.task().id])
    attempt = team.changing(task, {"status": "in_progress", **urgent})
    first, last = follow_fixes(team, attempt)
    assert [refusal.code for refusal in first] == [
        "blocked_by_unfinished_tasks",
        "wip_limit_reached",
        "urgent_limit_reached",
    ]
    assert last == ()


def row(team: Team) -> list[Task]:
    """As many tasks as make a long row, each waiting for the next."""
    tasks = [team.task()]
    for _ in range(MAX_CHAIN_LENGTH + 1):
        tasks.append(team.task(blocked_by=[tasks[-1].id]))
    return tasks[::-1]


def test_what_no_fix_is_named_for_has_none(team: Team) -> None:
    first, second = team.task(), team.task()
    team.tasks.block(second.id, first.id, by=SYSTEM)
    ring = team.attempt(team.tasks.block, first, blocker_id=second.id)
    one, two = row(team), row(team)
    longer = team.attempt(team.tasks.block, one[-1], blocker_id=two[0].id)
    tree = [team.task()]
    for _ in range(5):
        tree.append(team.task(parent_id=tree[-1].id))
    too_deep = Attempt(team.tasks.create, given={"by": SYSTEM, "title": "Part", "parent_id": tree[-1].id})
    found = [
        (refusal.code, refusal.fix) for attempt in (ring, longer, too_deep) for refusal in attempt.refusals()
    ]
    assert found == [("cycle", None), ("chain_too_long", None), ("too_deep", None)]
    assert {code for code, _ in found} == WITHOUT_A_FIX


def test_every_rule_that_has_a_fix_and_every_action_is_tried_here() -> None:
    assert {code for code, _ in CASES.values()} == {rule.__name__ for rule in RULES} - WITHOUT_A_FIX
    assert {action for _, action in CASES.values()} == set(FIX_ACTIONS) - {"choose_default_project"}


def test_the_default_project_is_archived_once_another_is_the_default(team: Team) -> None:
    command = team.projects.change
    attempt = Attempt(command, given={"by": SYSTEM, "project": "TASK", "changes": {"archived": True}})
    first, last = follow_fixes(team, attempt)
    assert [(refusal.code, refusal.fix and refusal.fix.action) for refusal in first] == [
        ("default_project", "choose_default_project"),
    ]
    assert last == ()
