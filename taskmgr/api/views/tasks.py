"""`/tasks`: tasks and the commands on them."""

from __future__ import annotations

from typing import Any, cast

from flask import request

from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.conditional.list_tags import list_etag
from taskmgr.api.conditional.versions import expected_version
from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.activity import ChangeOut
from taskmgr.api.schemas.pages import items_of, page_of
from taskmgr.api.schemas.queries import PageQuery, VersionQuery, WriteQuery
from taskmgr.api.schemas.task_bodies import (
    AssigneeChange,
    PriorityChange,
    RankChange,
    Restoring,
    StatusChange,
    TaskIn,
    TaskPatch,
)
from taskmgr.api.schemas.task_queries import IncludeQuery, TaskListQuery
from taskmgr.api.schemas.tasks import ChangedTaskOut, NewTaskOut, TaskRowOut, TransitionOut
from taskmgr.api.views.responses import build_page, build_page_request, changed, created
from taskmgr.api.views.task_list import build_task_query, list_task_page, with_included
from taskmgr.domain.model.commands import TaskChanges
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

tasks = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="Tasks and the commands on them")

TaskPage = page_of(TaskRowOut, "TaskPage")
ChangePage = page_of(ChangeOut, "ChangePage")
Transitions = items_of(TransitionOut, "Transitions")


@tasks.get("")
@requires_scopes(READ)
@list_etag
@tasks.query(TaskListQuery)
@tasks.response(200, TaskPage)
def list_tasks(params: dict[str, Any]) -> Any:
    """List tasks

    A task must match all filters, and one of the values of a comma-separated list. The newest task comes
    first unless `sort` is given.
    """
    query = build_task_query(params)
    return list_task_page(query, build_page_request(params, query), params)


@tasks.post("")
@requires_scopes(WRITE)
@idempotent()
@tasks.query(WriteQuery)
@tasks.body(TaskIn)
@tasks.response(201, NewTaskOut)
def create_task(params: dict[str, Any], body: dict[str, Any]) -> Any:
    """Create a task

    A status other than the workflow's initial one must be allowed as a move from there.
    """
    task = services().tasks.create(**body, **params, by=actor())
    return created(task, f"{request.path}/{task.id}", **params)


@tasks.get("/<task_id>")
@requires_scopes(READ)
@tasks.query(IncludeQuery)
@tasks.response(200, TaskRowOut)
def get_task(params: dict[str, Any], task_id: str) -> Any:
    """Get a task

    The ETag is the task's version. With `include` the response has no ETag, because what is added changes
    without a new version of the task.
    """
    include = params["include"]
    if include:
        (row,) = with_included([services().tasks.get(task_id, by=actor())], include)
        return row
    record = services().tasks.get_record(task_id, by=actor())
    return record, {"ETag": f'"{record.version}"'}


@tasks.patch("/<task_id>")
@requires_scopes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(TaskPatch)
@tasks.response(200, ChangedTaskOut)
def change_task(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Change a task

    A merge patch (RFC 7396) of any fields, which is one command with one entry in the log. An absent field
    stays as it is, null removes its value. `reason`, `override` and `version` are options, not fields.
    """
    options = {name: body.pop(name) for name in ("reason", "override") if name in body}
    version = expected_version(body.pop("version", None))
    task = services().tasks.change(
        task_id, cast("TaskChanges", body), by=actor(), version=version, **options, **params
    )
    return changed(task, **params)


@tasks.put("/<task_id>/status")
@requires_scopes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(StatusChange)
@tasks.response(200, ChangedTaskOut)
def change_status(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Move a task to another status

    A move to the present status is accepted and changes nothing. A refusal lists every reason.
    """
    body["version"] = expected_version(body.get("version"))
    return changed(services().tasks.change_status(task_id, **body, **params, by=actor()), **params)


@tasks.put("/<task_id>/priority")
@requires_scopes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(PriorityChange)
@tasks.response(200, ChangedTaskOut)
def change_priority(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Change a task's priority"""
    body["version"] = expected_version(body.get("version"))
    return changed(services().tasks.change_priority(task_id, **body, **params, by=actor()), **params)


@tasks.put("/<task_id>/assignee")
@requires_scopes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(AssigneeChange)
@tasks.response(200, ChangedTaskOut)
def assign(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Assign a task

    `assignee_id` is a user's id or username, `me`, or null to unassign the task.
    """
    body["version"] = expected_version(body.get("version"))
    return changed(services().tasks.assign(task_id, **body, **params, by=actor()), **params)


@tasks.put("/<task_id>/rank")
@requires_scopes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(RankChange)
@tasks.response(200, ChangedTaskOut)
def rank_task(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Move a task in the order by hand

    The body has exactly one of `before` and `after` (another task of the project), `first` and `last`. The
    task comes directly next to the other one in `sort=rank`, whatever the status of either. A task that is
    there already stays as it is.
    """
    body["version"] = expected_version(body.get("version"))
    return changed(services().tasks.rank(task_id, **body, **params, by=actor()), **params)


@tasks.put("/<task_id>/blocked-by/<blocker_id>")
@requires_scopes(WRITE)
@tasks.query(VersionQuery)
@tasks.response(200, ChangedTaskOut)
def block(params: dict[str, Any], task_id: str, blocker_id: str) -> Any:
    """Add a blocker to a task"""
    params["version"] = expected_version(params["version"])
    task = services().tasks.block(task_id, blocker_id, by=actor(), **params)
    return changed(task, params["dry_run"])


@tasks.delete("/<task_id>/blocked-by/<blocker_id>")
@requires_scopes(WRITE)
@tasks.query(VersionQuery)
@tasks.response(200, ChangedTaskOut)
def unblock(params: dict[str, Any], task_id: str, blocker_id: str) -> Any:
    """Remove a blocker from a task"""
    params["version"] = expected_version(params["version"])
    task = services().tasks.unblock(task_id, blocker_id, by=actor(), **params)
    return changed(task, params["dry_run"])


@tasks.delete("/<task_id>")
@requires_scopes(WRITE)
@tasks.query(VersionQuery)
@tasks.response(200, ChangedTaskOut)
def bin_task(params: dict[str, Any], task_id: str) -> Any:
    """Move a task to the bin

    `GET /tasks?bin=true` lists the tasks in the bin, and each can be restored.
    """
    params["version"] = expected_version(params["version"])
    return changed(services().tasks.bin(task_id, by=actor(), **params), params["dry_run"])


@tasks.post("/<task_id>/restore")
@requires_scopes(WRITE)
@tasks.query(VersionQuery)
@tasks.body(Restoring, required=False)
@tasks.response(200, ChangedTaskOut)
def restore_task(params: dict[str, Any], body: dict[str, Any], task_id: str) -> Any:
    """Restore a task from the bin

    The rules about limits, parents and cycles apply again.
    """
    version = expected_version(body.pop("version", None), params.pop("version"))
    task = services().tasks.restore(task_id, by=actor(), version=version, **body, **params)
    return changed(task, **params)


@tasks.get("/<task_id>/transitions")
@requires_scopes(READ)
@tasks.response(200, Transitions)
def list_transitions(task_id: str) -> Any:
    """List the possible moves of a task

    For each status of the workflow: whether the caller may move the task there, and if not, the reasons,
    in the same form as in a refusal. A move that needs a reason is allowed and has it in `requires`.
    """
    return services().tasks.transitions(task_id, by=actor())


@tasks.get("/<task_id>/activity")
@requires_scopes(READ)
@tasks.query(PageQuery)
@tasks.response(200, ChangePage)
def list_task_activity(params: dict[str, Any], task_id: str) -> Any:
    """Read a task's log, newest first"""
    list_key = ("activity of task", task_id)
    return build_page(
        services().activity.of_task(task_id, build_page_request(params, list_key), by=actor()), list_key
    )
