"""`/users`: the people and programs that tasks are assigned to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from flask import request

from taskmgr.api.conditional.list_tags import conditional, note
from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import actor, identity, services
from taskmgr.api.schemas.others import page_of
from taskmgr.api.schemas.queries import TaskListQuery, UserListQuery, WriteQuery
from taskmgr.api.schemas.tasks import TaskRowOut
from taskmgr.api.schemas.users import NewUserOut, UserIn, UserOut, UserPatch, UserRowOut
from taskmgr.api.views.answers import changed, created, paged, window_of
from taskmgr.api.views.task_list import depends_on_the_time, task_page, task_query
from taskmgr.domain.model.commands import UserChanges
from taskmgr.domain.model.token import Scope
from taskmgr.domain.queries.user_query import UserQuery
from taskmgr.domain.rules.permissions import may_see_email

READ, WRITE = Scope.USERS_READ, Scope.USERS_WRITE

users = Blueprint("users", __name__, url_prefix="/api/v1/users", description="People and programs")

UserPage = page_of(UserRowOut, "UserPage")
TasksOfUserPage = page_of(TaskRowOut, "TasksOfUserPage")


def _with_tasks() -> bool:
    return "tasks" in request.args.getlist("include")


@users.get("")
@takes(READ, also={Scope.TASKS_READ: _with_tasks})
@conditional(_with_tasks)
@users.query(UserListQuery)
@users.response(200, UserPage)
def list_users(query: dict[str, Any]) -> Any:
    """List users, perhaps with their tasks

    By username. With `include=tasks` (which takes the scope tasks:read too) each user comes with the
    first of the tasks assigned to them (open first, soonest due, undated last), `tasks_total`, the
    `counts` of all of them (open, and of these overdue, blocked, started, urgent), and `wip_room`.
    """
    asked = UserQuery(
        usernames=query["username"], words=query["q"], roles=query["role"], active=query["active"]
    )
    scope = ("users", query["include"], asked)
    page_request = window_of(query, scope)
    if query["include"] is None:
        note(services().health.latest_write())
        return paged(services().users.list(page_request, asked, by=actor()), scope)
    page = services().users.list_with_records(
        page_request, asked, tasks_limit=query["tasks_limit"], by=actor()
    )
    return paged(page, scope)


@users.post("")
@takes(WRITE)
@users.query(WriteQuery)
@users.body(UserIn)
@users.response(201, NewUserOut)
def create_user(query: dict[str, Any], given: dict[str, Any]) -> Any:
    """Create a user"""
    user = services().users.create(**given, **query, by=actor())
    return created(user, f"{request.path}/{user.id}", **query)


@users.get("/me")
@takes()
@users.response(200, UserOut)
def get_me() -> Any:
    """Get the user whose token this is"""
    user = services().users.get(identity().user.id, by=actor())
    return user, etag(user, user.id)  # at this path everybody sees somebody else


@users.get("/<user_id>")
@takes(READ)
@users.response(200, UserOut)
def get_user(user_id: str) -> Any:
    """Get a user"""
    user = services().users.get(user_id, by=actor())
    return user, etag(user, "" if may_see_email(actor(), user.id) else "without-email")


@users.patch("/<user_id>")
@takes(WRITE)
@users.query(WriteQuery)
@users.body(UserPatch)
@users.response(200, UserOut)
def change_user(query: dict[str, Any], given: dict[str, Any], user_id: str) -> Any:
    """Change a user

    One's own name and e-mail address, or as an admin anything of anybody.
    """
    version = expected_version(given.pop("version", None))
    user = services().users.change(user_id, cast("UserChanges", given), by=actor(), version=version, **query)
    return changed(user, **query)


@users.get("/<user_id>/tasks")
@takes(Scope.TASKS_READ)
@conditional(depends_on_the_time)
@users.query(TaskListQuery(exclude=("assignee",)))
@users.response(200, TasksOfUserPage)
def list_tasks_of_user(query: dict[str, Any], user_id: str) -> Any:
    """List the tasks assigned to a user"""
    asked = replace(task_query({**query, "assignee": None}), assignee_ids=(user_id,))
    page_request = window_of(query, asked)
    services().users.get(user_id, by=actor())
    return task_page(asked, page_request, query)
