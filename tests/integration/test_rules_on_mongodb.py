"""The rules over stored tasks: the facts that they are given are those of the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taskmgr.domain.model.policy import DEFAULT_POLICY, DEFAULT_WORKFLOW, Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services import Services
from tests.answers import assert_log_tells_of, find_refusals, log_of, naming, refusals, refused
from tests.factories import SYSTEM

MakeTask = Callable[..., Task]
MakeUser = Callable[..., User]
ServicesUnder = Callable[[Policy], Services]
STATUSES = DEFAULT_WORKFLOW.statuses
Move = Callable[..., Task]
InStatus = Callable[..., Task]


# --- every status to every other


@pytest.mark.parametrize("start", STATUSES)
def test_what_the_transitions_say_is_what_becomes_of_the_move(
    services: Services, in_status: InStatus, move: Move, start: str
) -> None:
    task = in_status(start)
    transitions = services.tasks.transitions(task.id, by=SYSTEM)
    assert [transition.to for transition in transitions] == list(STATUSES)
    for transition in transitions:
        assert transition.category is DEFAULT_WORKFLOW.category(transition.to)
        given = {"reason": "Because."} if "reason" in transition.requires else {}
        found = find_refusals(lambda: move(task, transition.to, dry_run=True, **given))  # noqa: B023
        assert transition.reasons == found
        assert transition.allowed is (not found)


@pytest.mark.parametrize("start", STATUSES)
def test_the_transitions_of_a_hindered_task_say_what_hinders_it(
    services: Services, make_task: MakeTask, in_status: InStatus, move: Move, start: str, bob: User
) -> None:
    """A blocker, an open subtask, a full plate and a deactivated assignee, all at once."""
    task = in_status(start)
    blocker = make_task()
    services.tasks.block(task.id, blocker.id, by=SYSTEM)
    if DEFAULT_WORKFLOW.is_open(start):
        make_task(parent_id=task.id)
    for _ in range(4 if start.startswith("in_") else 5):
        in_status("in_progress")
    services.users.change(str(task.assignee_id), {"active": False}, by=SYSTEM)
    transitions = services.tasks.transitions(task.id, by=SYSTEM)
    for transition in transitions:
        found = find_refusals(lambda: move(task, transition.to, dry_run=True, reason="Because."))  # noqa: B023
        assert transition.reasons == found
    assert sum(transition.allowed for transition in transitions) < len(transitions)


@pytest.mark.parametrize(
    ("start", "to"), [("todo", "cancelled"), ("completed", "in_progress"), ("cancelled", "todo")]
)
def test_the_transitions_say_where_a_reason_must_be_given(
    services: Services, in_status: InStatus, move: Move, start: str, to: str
) -> None:
    task = in_status(start)
    transitions = {transition.to: transition for transition in services.tasks.transitions(task.id, by=SYSTEM)}
    assert (transitions[to].allowed, transitions[to].requires) == (True, ("reason",))
    assert refused(lambda: move(task, to)) == ["reason_required"]
    assert move(task, to, reason="Because.").status == to


def test_the_transitions_say_what_right_is_lacking_and_that_alone(
    services: Services, make_task: MakeTask, member: Actor
) -> None:
    task = make_task()
    for transition in services.tasks.transitions(task.id, by=member):
        assert not transition.allowed
        assert [reason.code for reason in transition.reasons] == ["not_permitted"]


def test_looking_at_the_transitions_touches_nothing(
    services: Services, in_status: InStatus, database: Any
) -> None:
    task = in_status("todo")
    before = [list(database[name].find()) for name in ("tasks", "users")]
    services.tasks.transitions(task.id, by=SYSTEM)
    assert [list(database[name].find()) for name in ("tasks", "users")] == before


@pytest.mark.parametrize("start", STATUSES)
def test_staying_is_always_fine(in_status: InStatus, move: Move, start: str) -> None:
    task = in_status(start)
    assert move(task, start) == task


# --- collected together


def test_all_that_stands_against_a_move_is_told_at_once(
    services: Services, make_task: MakeTask, in_status: InStatus
) -> None:
    blocker = make_task()
    task = make_task(blocked_by=[blocker.id])
    subtask = make_task(parent_id=task.id)
    found = refusals(lambda: services.tasks.change_status(task.id, status="completed", by=SYSTEM))
    assert [refusal.code for refusal in found] == [
        "transition_not_allowed",
        "blocked_by_unfinished_tasks",
        "open_subtasks",
    ]
    assert [refusal.fix and dict(refusal.fix.arguments) for refusal in found] == [
        {"status": "in_progress"},
        naming(blocker),
        naming(subtask),
    ]


def test_all_that_stands_against_a_change_of_several_fields_is_told_at_once(
    services: Services, make_task: MakeTask, bob: User
) -> None:
    services.users.change(bob.id, {"active": False}, by=SYSTEM)
    blocker = make_task()
    task = make_task(blocked_by=[blocker.id])
    changes = {"status": "in_review", "assignee_id": bob.id, "priority": "urgent", "parent_id": task.id}
    assert refused(lambda: services.tasks.change(task.id, changes, by=SYSTEM)) == [
        "transition_not_allowed",
        "assignee_inactive",
        "blocked_by_unfinished_tasks",
        "urgent_needs_due_date",
        "cycle",
    ]


def test_a_refused_command_leaves_nothing(services: Services, make_task: MakeTask) -> None:
    task = make_task()
    refused(lambda: services.tasks.change(task.id, {"title": "Other", "status": "completed"}, by=SYSTEM))
    assert services.tasks.get(task.id, by=SYSTEM) == task
    assert len(log_of(services, task.id)) == 1


# --- assignees


def test_a_task_of_nobodys_does_not_start(make_task: MakeTask, move: Move) -> None:
    assert refused(lambda: move(make_task(), "in_progress")) == ["assignee_required"]


def test_a_started_task_is_not_given_up(services: Services, in_status: InStatus, ada: User) -> None:
    task = in_status("in_progress")
    give_up = lambda: services.tasks.assign(task.id, assignee_id=None, by=Actor.of(ada))  # noqa: E731
    assert refused(give_up) == ["assignee_required"]


def test_nobody_gets_a_task_who_is_deactivated(services: Services, make_task: MakeTask, ada: User) -> None:
    services.users.change(ada.id, {"active": False}, by=SYSTEM)
    task = make_task()
    assert refused(lambda: services.tasks.assign(task.id, assignee_id=ada.id, by=SYSTEM)) == [
        "assignee_inactive"
    ]
    assert refused(lambda: make_task(assignee_id=ada.id)) == ["assignee_inactive"]


def test_the_tasks_of_a_deactivated_user_stay_theirs_but_do_not_start(
    services: Services, make_task: MakeTask, move: Move, ada: User
) -> None:
    task = make_task(assignee_id=ada.id)
    services.users.change(ada.id, {"active": False}, by=SYSTEM)
    assert services.tasks.get(task.id, by=SYSTEM).assignee_id == ada.id
    assert refused(lambda: move(task, "in_progress")) == ["assignee_inactive"]


# --- blockers


@pytest.mark.parametrize(
    ("status", "blocks"),
    [("todo", True), ("in_progress", True), ("cancelled", True), ("completed", False)],
)
def test_a_blocker_blocks_until_it_is_completed(
    in_status: InStatus, move: Move, status: str, blocks: bool
) -> None:
    blocker = in_status(status)
    task = in_status("todo", blocked_by=[blocker.id])
    if blocks:
        assert refused(lambda: move(task, "in_progress")) == ["blocked_by_unfinished_tasks"]
    else:
        assert move(task, "in_progress").status == "in_progress"


def test_a_blocker_in_the_bin_blocks_nobody(
    services: Services, make_task: MakeTask, in_status: InStatus, move: Move
) -> None:
    blocker = make_task()
    task = in_status("todo", blocked_by=[blocker.id])
    services.tasks.bin(blocker.id, by=SYSTEM)
    assert move(task, "in_progress", dry_run=True).status == "in_progress"
    services.tasks.restore(blocker.id, by=SYSTEM)
    assert refused(lambda: move(task, "in_progress")) == ["blocked_by_unfinished_tasks"]


def test_only_the_unresolved_blockers_are_told(make_task: MakeTask, in_status: InStatus, move: Move) -> None:
    done, one, two = in_status("completed"), make_task(), make_task()
    task = in_status("todo", blocked_by=[one.id, done.id, two.id])
    (refusal,) = refusals(lambda: move(task, "in_progress"))
    assert refusal.fix is not None
    assert refusal.fix.arguments == naming(one, two)


def test_removing_the_blockers_in_the_command_that_starts_is_enough(
    services: Services, make_task: MakeTask, in_status: InStatus
) -> None:
    task = in_status("todo", blocked_by=[make_task().id])
    after = services.tasks.change(task.id, {"blocked_by": [], "status": "in_progress"}, by=SYSTEM)
    assert after.status == "in_progress"


# --- limits


def test_one_assignee_works_on_five_tasks_at_most(in_status: InStatus, move: Move, ada: User) -> None:
    started = [in_status("in_progress") for _ in range(4)] + [in_status("in_review")]
    sixth = in_status("todo")
    (refusal,) = refusals(lambda: move(sixth, "in_progress"))
    assert refusal.code == "wip_limit_reached"
    assert refusal.fix is not None
    assert refusal.fix.arguments == naming(*started)
    assert move(started[0], "in_review").status == "in_review"
    move(started[0], "completed")
    assert move(sixth, "in_progress").status == "in_progress"


def test_the_limit_is_each_assignees_own(
    services: Services, in_status: InStatus, make_task: MakeTask, move: Move, bob: User
) -> None:
    started = [in_status("in_progress") for _ in range(5)]
    of_bob = make_task(assignee_id=bob.id)
    assert move(of_bob, "in_progress").status == "in_progress"
    assert refused(
        lambda: services.tasks.assign(of_bob.id, assignee_id=started[0].assignee_id, by=SYSTEM)
    ) == ["wip_limit_reached"]


def test_started_tasks_in_the_bin_do_not_count_until_they_are_restored(
    services: Services, in_status: InStatus
) -> None:
    first = in_status("in_progress")
    services.tasks.bin(first.id, by=SYSTEM)
    for _ in range(5):
        in_status("in_progress")
    assert refused(lambda: services.tasks.restore(first.id, by=SYSTEM)) == ["wip_limit_reached"]


def test_a_policy_of_ones_own_has_its_own_limit(
    services_under: ServicesUnder, make_task: MakeTask, ada: User
) -> None:
    strict = services_under(replace(DEFAULT_POLICY, wip_limit=1))
    none = services_under(replace(DEFAULT_POLICY, wip_limit=0))
    tasks = [make_task(assignee_id=ada.id) for _ in range(8)]
    strict.tasks.change_status(tasks[0].id, status="in_progress", by=SYSTEM)
    assert refused(lambda: strict.tasks.change_status(tasks[1].id, status="in_progress", by=SYSTEM)) == [
        "wip_limit_reached"
    ]
    for task in tasks[1:]:
        none.tasks.change_status(task.id, status="in_progress", by=SYSTEM)


def test_the_count_that_is_told_is_the_whole_one_under_a_great_limit(
    services_under: ServicesUnder, make_task: MakeTask, ada: User, store: Any
) -> None:
    unlimited = services_under(replace(DEFAULT_POLICY, wip_limit=0))
    strict = services_under(replace(DEFAULT_POLICY, wip_limit=30))

    def start() -> list[Task]:
        given = {"title": "x", "status": "in_progress", "assignee_id": ada.id}
        return [unlimited.tasks.create(by=SYSTEM, **given) for _ in range(30)]

    started = store.unit_of_work.run(start)
    task = make_task(assignee_id=ada.id)
    (refusal,) = refusals(lambda: strict.tasks.change_status(task.id, status="in_progress", by=SYSTEM))
    named = ", ".join(str(task.name) for task in started)
    assert refusal.detail == f"The assignee already has 30 started tasks: {named}. The limit is 30."


URGENT = {"priority": "urgent", "due_date": "2026-12-01"}


def test_one_assignee_has_three_open_urgent_tasks_at_most(
    services: Services, make_task: MakeTask, move: Move, ada: User
) -> None:
    urgent = [make_task(assignee_id=ada.id, **URGENT) for _ in range(3)]
    unassigned = make_task(**URGENT)
    own = make_task(assignee_id=ada.id)
    calls: list[Callable[[], object]] = [
        lambda: make_task(assignee_id=ada.id, **URGENT),
        lambda: services.tasks.assign(unassigned.id, assignee_id=ada.id, by=SYSTEM),
        lambda: services.tasks.change(own.id, URGENT, by=SYSTEM),
    ]
    for call in calls:
        (refusal,) = refusals(call)
        assert refusal.code == "urgent_limit_reached"
        assert refusal.fix is not None
        assert refusal.fix.arguments == naming(*urgent)
    move(urgent[0], "cancelled", reason="No.")
    assert services.tasks.change(own.id, URGENT, by=SYSTEM).priority is Priority.URGENT
    assert refused(lambda: move(urgent[0], "todo", reason="Yes.")) == ["urgent_limit_reached"]


def test_urgent_tasks_in_the_bin_do_not_count_until_they_are_restored(
    services: Services, make_task: MakeTask, ada: User
) -> None:
    first = make_task(assignee_id=ada.id, **URGENT)
    services.tasks.bin(first.id, by=SYSTEM)
    for _ in range(3):
        make_task(assignee_id=ada.id, **URGENT)
    assert refused(lambda: services.tasks.restore(first.id, by=SYSTEM)) == ["urgent_limit_reached"]


def test_the_priority_of_a_closed_task_does_not_change(services: Services, in_status: InStatus) -> None:
    task = in_status("completed")
    assert refused(lambda: services.tasks.change_priority(task.id, priority="low", by=SYSTEM)) == [
        "task_closed"
    ]


def test_lowering_from_urgent_takes_a_reason(services: Services, make_task: MakeTask) -> None:
    task = make_task(**URGENT)
    assert refused(lambda: services.tasks.change_priority(task.id, priority="high", by=SYSTEM)) == [
        "reason_required"
    ]
    lowered = services.tasks.change_priority(task.id, priority="high", by=SYSTEM, reason="It can wait.")
    assert lowered.priority is Priority.HIGH


def test_an_urgent_task_keeps_its_due_date_or_there_is_a_reason(
    services: Services, make_task: MakeTask
) -> None:
    task = make_task(**URGENT)
    undated = {"due_date": None}
    assert refused(lambda: services.tasks.change(task.id, undated, by=SYSTEM)) == ["urgent_needs_due_date"]
    assert services.tasks.change(task.id, undated, by=SYSTEM, reason="Now.").due_date is None


# --- four eyes


def test_with_four_eyes_somebody_else_completes_a_task(
    services_under: ServicesUnder, in_status: InStatus, ada: User, manager: Actor
) -> None:
    services = services_under(replace(DEFAULT_POLICY, four_eyes=True))
    task = in_status("in_review")

    def complete(by: Actor) -> Task:
        return services.tasks.change_status(task.id, status="completed", by=by)

    assert refused(lambda: complete(Actor.of(ada))) == ["reviewer_required"]
    assert complete(manager).status == "completed"


# --- overriding


def test_a_manager_overrides_with_a_reason_and_the_log_says_so(
    services: Services, in_status: InStatus, make_task: MakeTask, manager: Actor
) -> None:
    for _ in range(5):
        in_status("in_progress")
    task = in_status("todo", blocked_by=[make_task().id])
    after = services.tasks.change_status(
        task.id, status="in_progress", by=manager, override=True, reason="The customer waits."
    )
    entry = log_of(services, task.id)[-1]
    assert (entry.override, entry.reason, entry.by) == (True, "The customer waits.", manager.id)
    assert_log_tells_of(services, after)


def test_an_override_takes_a_reason(in_status: InStatus, make_task: MakeTask, move: Move) -> None:
    task = in_status("todo", blocked_by=[make_task().id])
    assert refused(lambda: move(task, "in_progress", override=True)) == ["reason_required"]


def test_an_override_does_not_lift_a_missing_edge(
    in_status: InStatus, make_task: MakeTask, move: Move
) -> None:
    task = in_status("todo", blocked_by=[make_task().id])
    assert refused(lambda: move(task, "completed", override=True, reason="I must.")) == [
        "transition_not_allowed"
    ]


def test_an_override_that_lifted_nothing_is_not_logged_as_one(
    services: Services, in_status: InStatus, move: Move
) -> None:
    task = in_status("todo")
    move(task, "in_progress", override=True, reason="To be sure.")
    assert log_of(services, task.id)[-1].override is False


def test_a_creation_and_a_restoring_are_overridden_too(
    services: Services, in_status: InStatus, make_task: MakeTask, ada: User
) -> None:
    binned = in_status("in_progress")
    services.tasks.bin(binned.id, by=SYSTEM)
    for _ in range(5):
        in_status("in_progress")
    lifted = {"override": True, "reason": "The customer waits."}
    created = make_task(status="in_progress", assignee_id=ada.id, **lifted)
    services.tasks.restore(binned.id, by=SYSTEM, **lifted)
    for task in (created, binned):
        assert log_of(services, task.id)[-1].override is True


@pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMIN])
def test_managers_and_admins_override(
    services: Services, in_status: InStatus, make_task: MakeTask, make_user: MakeUser, role: Role
) -> None:
    by = Actor.of(make_user("boss", role=role))
    task = in_status("todo", blocked_by=[make_task().id])
    moved = services.tasks.change_status(
        task.id, status="in_progress", by=by, override=True, reason="I must."
    )
    assert moved.status == "in_progress"
