"""The rights of the roles, as one table, and the questions it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum

from taskmgr.domain.model.errors import NotPermitted
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.token import Scope
from taskmgr.domain.model.user import Actor, Role, User, require_actor
from taskmgr.domain.rules.wording import joined


class Extent(Enum):
    """The tasks to which a right of a role extends."""

    NOTHING = "nothing"
    OWN = "own"  # created by the actor or assigned to them
    CREATED = "created"  # created by the actor
    ANY = "any"


class Action(Enum):
    """Everything that needs a right; the value completes "Only a manager may …"."""

    READ = "read"
    CREATE_TASK = "create a task"
    CHANGE_TASK = "change this task"
    TAKE_TASK = "take an unassigned task or give up one's own"
    ASSIGN = "assign a task to somebody else"
    OVERRIDE = "override a rule"
    SET_URGENT = "raise a task to urgent or lower it from there"
    MANAGE_PROJECTS = "create and change projects"
    CHOOSE_DEFAULT_PROJECT = "choose the default project"
    COMMENT = "comment"
    CHANGE_COMMENTS = "change other people's comments"
    CHANGE_VIEWS = "change other people's shared views"
    CHANGE_PROFILE = "change one's own name and e-mail address"
    MANAGE_USERS = "manage users, roles and other people's tokens"
    MANAGE_WEBHOOKS = "manage webhooks"
    CREATE_DEMO = "fill the database with the demo"
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
        Action.MANAGE_PROJECTS: (_N, _N, _ANY, _ANY),
        Action.CHOOSE_DEFAULT_PROJECT: (_N, _N, _N, _ANY),
        Action.COMMENT: (_N, _ANY, _ANY, _ANY),
        Action.CHANGE_COMMENTS: (_N, _N, _ANY, _ANY),
        Action.CHANGE_VIEWS: (_N, _N, _ANY, _ANY),
        Action.CHANGE_PROFILE: (_ANY, _ANY, _ANY, _ANY),
        Action.MANAGE_USERS: (_N, _N, _N, _ANY),
        Action.MANAGE_WEBHOOKS: (_N, _N, _N, _ANY),
        Action.CREATE_DEMO: (_N, _N, _N, _ANY),
        Action.SEE_EMAILS: (_N, _N, _ANY, _ANY),
    }.items()
}


def permits(actor: Actor, action: Action, task: Task | None = None) -> bool:
    """Returns whether the actor may do this with the task; without a task, whether with some task."""
    extent = TABLE[action][require_actor(actor).role]
    if extent is Extent.ANY or extent is Extent.NOTHING or task is None:
        return extent is not Extent.NOTHING
    created = task.created_by == actor.id
    if extent is Extent.CREATED:
        return created
    return created or (actor.user_id is not None and task.assignee_id == actor.user_id)


def missing_right(actor: Actor, action: Action, task: Task | None = None) -> str | None:
    """Returns None if the actor may do this, otherwise a sentence that says who may."""
    if permits(actor, action, task):
        return None
    return f"Only {_roles_with(action)} may {action.value}."


def first_missing_right(actor: Actor, actions: Iterable[Action], task: Task) -> str | None:
    """Returns the sentence for the first of these actions that the actor may not do, or None."""
    return next(filter(None, (missing_right(actor, action, task) for action in actions)), None)


def require(actor: Actor, action: Action, task: Task | None = None) -> None:
    """Raises `NotPermitted`, with a sentence that says who may, if the actor may not do this."""
    missing = missing_right(actor, action, task)
    if missing is not None:
        raise NotPermitted(missing)


_ROLE_NAMES = {
    Role.VIEWER: "a viewer",
    Role.MEMBER: "a member",
    Role.MANAGER: "a manager",
    Role.ADMIN: "an admin",
}
_RESTRICTIONS = {
    Extent.ANY: "",
    Extent.OWN: " who created the task or is assigned to it",
    Extent.CREATED: " who created the task",
}


def _roles_with(action: Action) -> str:
    """Returns the roles that have this right, in words."""
    extents = TABLE[action].items()
    roles = [_ROLE_NAMES[role] + _RESTRICTIONS[extent] for role, extent in extents if extent is not _N]
    return joined(roles, "or")


def rights_to_change(
    before: Task, after: Task, changes: Iterable[str], *, actor: Actor, override: bool
) -> Iterator[Action]:
    """Yields the rights that a change of these fields needs, all of them over the task as it was before.

    Assigning has rights of its own, because every member may take a task or give it up. A command that
    changes nothing still needs the right to change the task.
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
    """Yields the rights that the creation of a task needs."""
    yield Action.CREATE_TASK
    if task.assignee_id is not None:
        yield _assignment(None, task.assignee_id, actor)
    if override:
        yield Action.OVERRIDE


def _assignment(before: str | None, after: str | None, actor: Actor) -> Action:
    is_taken = before is None and after == actor.user_id
    is_given_up = after is None and before == actor.user_id
    return Action.TAKE_TASK if is_taken or is_given_up else Action.ASSIGN


def manages_tokens(actor: Actor) -> bool:
    """Returns whether the actor may see, create and revoke other people's tokens."""
    return actor.holds(Scope.ADMIN) and permits(actor, Action.MANAGE_USERS)


def manages_webhooks(actor: Actor) -> bool:
    """Returns whether the actor may see and change webhooks."""
    return actor.holds(Scope.ADMIN) and permits(actor, Action.MANAGE_WEBHOOKS)


def may_see_emails(actor: Actor) -> bool:
    """Returns whether the actor may see the e-mail addresses of all users."""
    return actor.holds(Scope.USERS_READ) and permits(actor, Action.SEE_EMAILS)


def may_see_email(actor: Actor, user_id: str) -> bool:
    """Returns whether the actor may see the e-mail address of this user, who may be themselves."""
    return actor.user_id == user_id or permits(actor, Action.SEE_EMAILS)


def as_seen_by(actor: Actor, user: User) -> User:
    """Returns the user as the actor may see it: with `email` None if that is hidden from them."""
    return user if may_see_email(actor, user.id) else replace(user, email=None)
