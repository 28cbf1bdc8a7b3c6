"""Who may do what, as one table, and the one question asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum

from taskmgr.domain.model.errors import NotPermitted
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor, Role, User, require_actor


class Extent(Enum):
    """How far a role's right goes."""

    NOTHING = "nothing"
    OWN = "own"  # what the actor created or is assigned to
    CREATED = "created"  # what the actor created
    ANY = "any"


class Action(Enum):
    """What the table has a row for; the value completes "It takes … to"."""

    READ = "read"
    CREATE_TASK = "create a task"
    CHANGE_TASK = "change this task"
    TAKE_TASK = "take an unassigned task or give up one's own"
    ASSIGN = "assign a task to somebody else"
    OVERRIDE = "override a rule"
    SET_URGENT = "raise a task to urgent or lower it from there"
    COMMENT = "comment"
    CHANGE_COMMENTS = "change other people's comments"
    CHANGE_PROFILE = "change one's own name and e-mail address"
    MANAGE_USERS = "manage users, roles and other people's tokens"
    SEE_EMAILS = "see other people's e-mail addresses"


_N, _OWN, _CREATED, _ANY = Extent.NOTHING, Extent.OWN, Extent.CREATED, Extent.ANY
TABLE: Mapping[Action, Mapping[Role, Extent]] = {
    action: dict(zip(Role, extents, strict=True))
    for action, extents in {
        # viewer, member, manager, admin
        Action.READ: (_ANY, _ANY, _ANY, _ANY),
        Action.CREATE_TASK: (_N, _ANY, _ANY, _ANY),
        Action.CHANGE_TASK: (_N, _OWN, _ANY, _ANY),
        Action.TAKE_TASK: (_N, _ANY, _ANY, _ANY),
        Action.ASSIGN: (_N, _N, _ANY, _ANY),
        Action.OVERRIDE: (_N, _N, _ANY, _ANY),
        Action.SET_URGENT: (_N, _CREATED, _ANY, _ANY),
        Action.COMMENT: (_N, _ANY, _ANY, _ANY),
        Action.CHANGE_COMMENTS: (_N, _N, _ANY, _ANY),
        Action.CHANGE_PROFILE: (_ANY, _ANY, _ANY, _ANY),
        Action.MANAGE_USERS: (_N, _N, _N, _ANY),
        Action.SEE_EMAILS: (_N, _N, _ANY, _ANY),
    }.items()
}


def permits(actor: Actor, action: Action, task: Task | None = None) -> bool:
    """Whether the actor may do this, with this task where the right depends on one."""
    extent = TABLE[action][require_actor(actor).role]
    if extent is Extent.ANY or extent is Extent.NOTHING or task is None:
        return extent is not Extent.NOTHING
    created = task.created_by == actor.id
    if extent is Extent.CREATED:
        return created
    return created or (actor.user_id is not None and task.assignee_id == actor.user_id)


def missing_right(actor: Actor, action: Action, task: Task | None = None) -> str | None:
    """What it takes to do this, in a sentence, where the actor has not got it."""
    if permits(actor, action, task):
        return None
    return f"It takes {_who(action)} to {action.value}."


def first_missing_right(actor: Actor, actions: Iterable[Action], task: Task) -> str | None:
    """Returns what the first of these actions takes that the actor may not do, or None."""
    return next(filter(None, (missing_right(actor, action, task) for action in actions)), None)


def require(actor: Actor, action: Action, task: Task | None = None) -> None:
    """Raises `NotPermitted`, saying what it takes, where the actor may not."""
    lack = missing_right(actor, action, task)
    if lack is not None:
        raise NotPermitted(lack)


def _who(action: Action) -> str:
    """The roles that the table gives this right, in words."""
    words = {
        Extent.ANY: "{role}",
        Extent.OWN: "{role} who created the task or is assigned to it",
        Extent.CREATED: "{role} who created the task",
    }
    names = {
        Role.VIEWER: "a viewer",
        Role.MEMBER: "a member",
        Role.MANAGER: "a manager",
        Role.ADMIN: "an admin",
    }
    extents = TABLE[action].items()
    able = [words[extent].format(role=names[role]) for role, extent in extents if extent is not _N]
    return " or ".join([", ".join(able[:-1]), able[-1]] if len(able) > 1 else able)


def rights_to_change(
    before: Task, after: Task, changes: Iterable[str], *, actor: Actor, override: bool
) -> Iterator[Action]:
    """The rights that a change of the named fields takes, all of them over the task as it was.

    Assigning is judged apart from the other fields: taking and giving up are everybody's. A
    command that changes nothing still takes the right to change.
    """
    assigns = after.assignee_id != before.assignee_id
    if not assigns or set(changes) - {"assignee_id"}:
        yield Action.CHANGE_TASK
    if assigns:
        yield _assignment(before.assignee_id, after.assignee_id, actor)
    if Priority.URGENT in (before.priority, after.priority) and before.priority != after.priority:
        yield Action.SET_URGENT
    if override:
        yield Action.OVERRIDE


def rights_to_create(task: Task, *, actor: Actor, override: bool) -> Iterator[Action]:
    """The rights that the creation of a task takes."""
    yield Action.CREATE_TASK
    if task.assignee_id is not None:
        yield _assignment(None, task.assignee_id, actor)
    if override:
        yield Action.OVERRIDE


def _assignment(before: str | None, after: str | None, actor: Actor) -> Action:
    takes = before is None and after == actor.user_id
    gives_up = after is None and before == actor.user_id
    return Action.TAKE_TASK if takes or gives_up else Action.ASSIGN


def manages_tokens(actor: Actor) -> bool:
    """Returns whether the actor may see, create and revoke other people's tokens."""
    return actor.holds(Scope.ADMIN) and permits(actor, Action.MANAGE_USERS)


def may_see_emails(actor: Actor) -> bool:
    """Returns whether the actor may know everybody's e-mail address."""
    return actor.holds(Scope.USERS_READ) and permits(actor, Action.SEE_EMAILS)


def may_see_email(actor: Actor, user_id: str) -> bool:
    """Returns whether the actor may know this user's e-mail address: their own, or everybody's."""
    return actor.user_id == user_id or permits(actor, Action.SEE_EMAILS)


def as_seen_by(actor: Actor, user: User) -> User:
    """The user with what the actor may know of it; a hidden e-mail address is None."""
    return user if may_see_email(actor, user.id) else replace(user, email=None)
