"""Triggers every refusal that `docs/rules.md` shows, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.ports.store import Store
from taskmgr.domain.rules.relation_rules import MAX_CHAIN_LENGTH
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.api.client import Answer, Client
from tests.factories import SYSTEM, Clock

SECRET_KEY = "a key that signs nothing but the cursors of tests"
FOUR_EYES = replace(DEFAULT_POLICY, four_eyes=True)


class Team:
    """Users in an empty database, with clients that call the API as them."""

    def __init__(self, store: Store, clock: Clock, policy: Policy = DEFAULT_POLICY) -> None:
        self.services: Services = build_services(store, policy=policy, clock=clock)
        self._app: Flask = create_app(self.services, Settings(), secret_key=SECRET_KEY)
        self._clients: dict[str, Client] = {}

    def by(self, role: str) -> Client:
        """Returns a client for the user with this role, whose username is the role."""
        if role not in self._clients:
            self._clients[role] = Client(self._app, self.services).as_(role)
        return self._clients[role]

    def task(self, **fields: Any) -> str:
        """Creates a task, moves it to the status and returns its id."""
        status = fields.pop("status", None)
        task = self.services.tasks.create(by=SYSTEM, **{"title": "Write the report", **fields})
        for step in _PATHS.get(status, ()):
            self.services.tasks.change_status(task.id, status=step, by=SYSTEM, reason="Not needed.")
        return task.id

    def move(self, task_id: str, status: str, *, by: str = "manager", **options: Any) -> Answer:
        return self.by(by).put(f"tasks/{task_id}/status", {"status": status, **options})


_PATHS: Mapping[str | None, tuple[str, ...]] = {
    "in_progress": ("in_progress",),
    "completed": ("in_progress", "completed"),
    "cancelled": ("cancelled",),
}


def _user_id(team: Team, role: str = "member") -> str:
    return team.by(role).user.id


def project_archived(team: Team) -> Answer:
    team.services.projects.create(by=SYSTEM, key="OPS", name="Operations")
    task = team.task(project="OPS")
    team.services.projects.change("OPS", {"archived": True}, by=SYSTEM)
    return team.by("manager").patch(f"tasks/{task}", {"title": "Write the annual report"})


def transition_not_allowed(team: Team) -> Answer:
    return team.move(team.task(), "completed")


def assignee_required(team: Team) -> Answer:
    return team.move(team.task(), "in_progress")


def assignee_inactive(team: Team) -> Answer:
    member = _user_id(team)
    team.services.users.change(member, {"active": False}, by=SYSTEM)
    return team.by("manager").put(f"tasks/{team.task()}/assignee", {"assignee_id": member})


def blocked_by_unfinished_tasks(team: Team) -> Answer:
    return team.move(team.task(assignee_id=_user_id(team), blocked_by=[team.task()]), "in_progress")


def open_subtasks(team: Team) -> Answer:
    parent = team.task(assignee_id=_user_id(team), status="in_progress")
    team.task(parent_id=parent)
    return team.move(parent, "completed")


def parent_closed(team: Team) -> Answer:
    parent = team.task(status="cancelled")
    return team.by("manager").post("tasks", {"title": "Write the report", "parent_id": parent})


def wip_limit_reached(team: Team) -> Answer:
    member = _user_id(team)
    for _ in range(DEFAULT_POLICY.wip_limit):
        team.task(assignee_id=member, status="in_progress")
    return team.move(team.task(assignee_id=member), "in_progress")


def reviewer_required(team: Team) -> Answer:
    task = team.task(assignee_id=_user_id(team), status="in_progress")
    return team.move(task, "completed", by="member")


def reason_required(team: Team) -> Answer:
    return team.move(team.task(), "cancelled")


def task_closed(team: Team) -> Answer:
    task = team.task(assignee_id=_user_id(team), status="completed")
    return team.by("manager").put(f"tasks/{task}/priority", {"priority": "low"})


def urgent_needs_due_date(team: Team) -> Answer:
    return team.by("manager").put(f"tasks/{team.task()}/priority", {"priority": "urgent"})


def urgent_limit_reached(team: Team) -> Answer:
    fields = {"assignee_id": _user_id(team), "due_date": "2027-03-31"}
    for _ in range(DEFAULT_POLICY.urgent_limit):
        team.task(priority="urgent", **fields)
    return team.by("manager").put(f"tasks/{team.task(**fields)}/priority", {"priority": "urgent"})


def cycle(team: Team) -> Answer:
    first = team.task()
    second = team.task(blocked_by=[first])
    return team.by("manager").put(f"tasks/{first}/blocked-by/{second}")


def chain_too_long(team: Team) -> Answer:
    first, (blocker, *_) = _chain(team)[-1], _chain(team)
    return team.by("manager").put(f"tasks/{first}/blocked-by/{blocker}")


def _chain(team: Team) -> list[str]:
    """Returns a chain of tasks, each of which waits for the next one."""
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


def default_project(team: Team) -> Answer:
    return team.by("manager").patch("projects/TASK", {"archived": True})


def last_admin(team: Team) -> Answer:
    return team.by("admin").patch(f"users/{_user_id(team, 'admin')}", {"role": "manager"})


def not_permitted(team: Team) -> Answer:
    return team.move(team.task(), "backlog", by="member")


def already_assigned(team: Team) -> Answer:
    task = team.task(assignee_id=_user_id(team, "manager"))
    return team.by("member").put(f"tasks/{task}/assignee", {"assignee_id": "me"})


def stale(team: Team) -> Answer:
    return team.move(team.task(), "backlog", version=7)


def checked_beforehand(team: Team) -> Answer:
    return team.by("manager").get(f"tasks/{team.task()}/transitions")


Scene = Callable[[Team], Answer]

# In the order of the rule book; each response has one reason.
OF_TASKS: tuple[Scene, ...] = (
    project_archived,
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
OF_PROJECTS: tuple[Scene, ...] = (default_project,)
OF_USERS: tuple[Scene, ...] = (last_admin,)
# Each response is a problem of its own.
PROBLEMS: tuple[Scene, ...] = (not_permitted, already_assigned, stale)


def shown(scene: Scene, team: Team) -> Any:
    """Returns the part of the scene's response that the page shows: the reason, or the whole problem."""
    body = scene(team).json
    if scene is checked_beforehand:
        return next(row for row in body["items"] if row["to"] == "in_review")
    if scene in PROBLEMS:
        return body
    (reason,) = body["reasons"]
    return reason


def policy_of(scene: Scene) -> Policy:
    return FOUR_EYES if scene is reviewer_required else DEFAULT_POLICY
