"""`/users`: the people and programs to which tasks are assigned."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from flask import request

from taskmgr.api.conditional.list_tags import list_etag, record_list_version
from taskmgr.api.conditional.versions import etag, expected_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor, identity
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import page_of
from taskmgr.api.schemas.queries import WriteQuery
from taskmgr.api.schemas.task_queries import TaskListQuery
from taskmgr.api.schemas.tasks import TaskRowOut
from taskmgr.api.schemas.users import MeOut, NewUserOut, UserIn, UserListQuery, UserOut, UserPatch, UserRowOut
from taskmgr.api.views.names import known_projects
from taskmgr.api.views.responses import build_page, build_page_request, changed, created
from taskmgr.api.views.task_list import build_task_query, list_task_page
from taskmgr.domain.model.commands import UserChanges
from taskmgr.domain.model.token import Scope
from taskmgr.domain.queries.user_query import UserQuery
from taskmgr.domain.rules.permissions import may_see_email

READ, WRITE = Scope.USERS_READ, Scope.USERS_WRITE

users = Blueprint("users", __name__, url_prefix="/api/v1/users", description="People and programs")

UserPage = page_of(UserRowOut, "UserPage")
TasksOfUserPage = page_of(TaskRowOut, "TasksOfUserPage")


def _includes_tasks() -> bool:
    return "tasks" in request.args.getlist("include")


@users.get("")
@requires_scopes(READ, sometimes={Scope.TASKS_READ: _includes_tasks})
@list_etag
@users.query(UserListQuery)
@users.response(200, UserPage)
def list_users(params: dict[str, Any]) -> Any:
    """List users, optionally with their tasks

    Users are sorted by username. `include=tasks` also requires the scope tasks:read, and adds to each user
    the first of the tasks assigned to them (open tasks first, then by due date, tasks without one last),
    `tasks_total`, the `counts` of all these tasks, and `wip_room`, the number of tasks that the user may
    still start. With `project`, the tasks and the counts are those of these projects; `wip_room` counts
    the started tasks of all projects, as the limit does.
    """
    query = UserQuery(
        usernames=params["username"], words=params["q"], roles=params["role"], active=params["active"]
    )
    projects = known_projects(params["project"])
    list_key = ("users", params["include"], query, projects)
    page_request = build_page_request(params, list_key)
    if params["include"] is None:
        record_list_version(services().health.latest_write())
        return build_page(services().users.list(page_request, query, by=actor()), list_key)
    page = services().users.list_with_records(
        page_request, query, tasks_limit=params["tasks_limit"], projects=projects, by=actor()
    )
    return build_page(page, list_key)


@users.post("")
@requires_scopes(WRITE)
@users.query(WriteQuery)
@users.body(UserIn)
@users.response(201, NewUserOut)
def create_user(params: dict[str, Any], body: dict[str, Any]) -> Any:
    """Create a user"""
    user = services().users.create(**body, **params, by=actor())
    return created(user, f"{request.path}/{user.id}", **params)


@users.get("/me")
@requires_scopes()
@users.response(200, MeOut)
def get_me() -> Any:
    """Get the calling user, with the number of unread items in their inbox"""
    user = services().users.get(identity().user.id, by=actor())
    unread = services().inbox.count_unread(by=actor())
    # This path shows each caller another user.
    return SimpleNamespace(user=user, unread=unread), etag(user, f"{user.id}-{unread}")


@users.get("/<user_id>")
@requires_scopes(READ)
@users.response(200, UserOut)
def get_user(user_id: str) -> Any:
    """Get a user"""
    user = services().users.get(user_id, by=actor())
    return user, etag(user, "" if may_see_email(actor(), user.id) else "without-email")


@users.patch("/<user_id>")
@requires_scopes(WRITE)
@users.query(WriteQuery)
@users.body(UserPatch)
@users.response(200, UserOut)
def change_user(params: dict[str, Any], body: dict[str, Any], user_id: str) -> Any:
    """Change a user

    Users may change their own name and e-mail address; admins may change everything of everybody.
    """
    version = expected_version(body.pop("version", None))
    user = services().users.change(user_id, cast("UserChanges", body), by=actor(), version=version, **params)
    return changed(user, **params)


@users.get("/<user_id>/tasks")
@requires_scopes(Scope.TASKS_READ)
@list_etag
@users.query(TaskListQuery(exclude=("assignee",)))
@users.response(200, TasksOfUserPage)
def list_tasks_of_user(params: dict[str, Any], user_id: str) -> Any:
    """List the tasks assigned to a user"""
    query = replace(build_task_query({**params, "assignee": None}), assignee_ids=(user_id,))
    page_request = build_page_request(params, query)
    services().users.get(user_id, by=actor())
    return list_task_page(query, page_request, params)
