"""Every refusal that `docs/rules.md` shows, brought about over HTTP: how it comes to each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules.rule_book import MAX_CHAIN_LENGTH
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.api.client import Answer, Client
from tests.factories import SYSTEM, Clock

SECRET_KEY = "a key that signs nothing but the cursors of tests"
FOUR_EYES = replace(DEFAULT_POLICY, four_eyes=True)


class Team:
    """Some people in an empty database, and what they can ask of the API."""

    def __init__(self, store: Store, clock: Clock, policy: Policy = DEFAULT_POLICY) -> None:
        self.services: Services = build_services(store, policy=policy, clock=clock)
        self._app: Flask = create_app(self.services, Settings(), secret_key=SECRET_KEY)
        self._clients: dict[str, Client] = {}

    def by(self, role: str) -> Client:
        """The one person of this role, who is called so."""
        if role not in self._clients:
            self._clients[role] = Client(self._app, self.services).as_(role)
        return self._clients[role]

    def task(self, **given: Any) -> str:
        """The id of a new task, made in any status and by whatever way leads there."""
        status = given.pop("status", None)
        task = self.services.tasks.create(by=SYSTEM, **{"title": "Write the report", **given})
        for step in _WAYS.get(status, ()):
            self.services.tasks.change_status(task.id, status=step, by=SYSTEM, reason="Not needed.")
        return task.id

    def move(self, task_id: str, status: str, *, by: str = "manager", **given: Any) -> Answer:
        return self.by(by).put(f"tasks/{task_id}/status", {"status": status, **given})


_WAYS: Mapping[str | None, tuple[str, ...]] = {
    "in_progress": ("in_progress",),
    "completed": ("in_progress", "completed"),
    "cancelled": ("cancelled",),
}


def _of(team: Team, role: str = "member") -> str:
    return team.by(role).user.id


def transition_not_allowed(team: Team) -> Answer:
    return team.move(team.task(), "completed")


def assignee_required(team: Team) -> Answer:
    return team.move(team.task(), "in_progress")


def assignee_inactive(team: Team) -> Answer:
    member = _of(team)
    team.services.users.change(member, {"active": False}, by=SYSTEM)
    return team.by("manager").put(f"tasks/{team.task()}/assignee", {"assignee_id": member})


def blocked_by_unfinished_tasks(team: Team) -> Answer:
    return team.move(team.task(assignee_id=_of(team), blocked_by=[team.task()]), "in_progress")


def open_subtasks(team: Team) -> Answer:
    parent = team.task(assignee_id=_of(team), status="in_progress")
    team.task(parent_id=parent)
    return team.move(parent, "completed")


def parent_closed(team: Team) -> Answer:
    parent = team.task(status="cancelled")
    return team.by("manager").post("tasks", {"title": "Write the report", "parent_id": parent})


def wip_limit_reached(team: Team) -> Answer:
    member = _of(team)
    for _ in range(DEFAULT_POLICY.wip_limit):
        team.task(assignee_id=member, status="in_progress")
    return team.move(team.task(assignee_id=member), "in_progress")


def reviewer_required(team: Team) -> Answer:
    task = team.task(assignee_id=_of(team), status="in_progress")
    return team.move(task, "completed", by="member")


def reason_required(team: Team) -> Answer:
    return team.move(team.task(), "cancelled")


def task_closed(team: Team) -> Answer:
    task = team.task(assignee_id=_of(team), status="completed")
    return team.by("manager").put(f"tasks/{task}/priority", {"priority": "low"})


def urgent_needs_due_date(team: Team) -> Answer:
    return team.by("manager").put(f"tasks/{team.task()}/priority", {"priority": "urgent"})


def urgent_limit_reached(team: Team) -> Answer:
    given = {"assignee_id": _of(team), "due_date": "2027-03-31"}
    for _ in range(DEFAULT_POLICY.urgent_limit):
        team.task(priority="urgent", **given)
    return team.by("manager").put(f"tasks/{team.task(**given)}/priority", {"priority": "urgent"})


def cycle(team: Team) -> Answer:
    first = team.task()
    second = team.task(blocked_by=[first])
    return team.by("manager").put(f"tasks/{first}/blocked-by/{second}")


def chain_too_long(team: Team) -> Answer:
    first, (waited_for, *_) = _row(team)[-1], _row(team)
    return team.by("manager").put(f"tasks/{first}/blocked-by/{waited_for}")


def _row(team: Team) -> list[str]:
    """A task that waits for another, that for the next one, and so on."""
    tasks = [team.task()]
    for _ in range(MAX_CHAIN_LENGTH + 1):
        tasks.append(team.task(blocked_by=[tasks[-1]]))
    return tasks[::-1]


def too_deep(team: Team) -> Answer:
    parent = team.task()
    for _ in range(5):
        parent = team.task(parent_id=parent)
    return team.by("manager").post("tasks", {"title": "Write the report", "parent_id": parent})


def has_subtasks(team: Team) -> Answer:
    parent = team.task()
    team.task(parent_id=parent)
    return team.by("manager").delete(f"tasks/{parent}")


def last_admin(team: Team) -> Answer:
    return team.by("admin").patch(f"users/{_of(team, 'admin')}", {"role": "manager"})


def not_permitted(team: Team) -> Answer:
    return team.move(team.task(), "backlog", by="member")


def already_assigned(team: Team) -> Answer:
    task = team.task(assignee_id=_of(team, "manager"))
    return team.by("member").put(f"tasks/{task}/assignee", {"assignee_id": "me"})


def stale(team: Team) -> Answer:
    return team.move(team.task(), "backlog", version=7)


def asked_first(team: Team) -> Answer:
    return team.by("manager").get(f"tasks/{team.task()}/transitions")


Scene = Callable[[Team], Answer]

# In the order of the rule book; these answer with a reason.
OF_TASKS: tuple[Scene, ...] = (
    transition_not_allowed,
    assignee_required,
    assignee_inactive,
    blocked_by_unfinished_tasks,
    open_subtasks,
    parent_closed,
    wip_limit_reached,
    reviewer_required,
    reason_required,
    task_closed,
    urgent_needs_due_date,
    urgent_limit_reached,
    cycle,
    chain_too_long,
    too_deep,
    has_subtasks,
)
OF_USERS: tuple[Scene, ...] = (last_admin,)
# These answer with a problem of their own.
PROBLEMS: tuple[Scene, ...] = (not_permitted, already_assigned, stale)


def shown(scene: Scene, team: Team) -> Any:
    """What the page shows of a scene's answer: the reason, or the problem as a whole."""
    found = scene(team).json
    if scene is asked_first:
        return next(row for row in found["items"] if row["to"] == "in_review")
    if scene in PROBLEMS:
        return found
    (reason,) = found["reasons"]
    return reason


def policy_of(scene: Scene) -> Policy:
    return FOUR_EYES if scene is reviewer_required else DEFAULT_POLICY
