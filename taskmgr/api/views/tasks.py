"""`/tasks`: the board's work."""

from __future__ import annotations

from typing import Any, cast

from flask import request

from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.conditional.list_tags import conditional
from taskmgr.api.conditional.versions import expected_version
from taskmgr.api.identity.bearer import takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.runtime import actor, services
from taskmgr.api.schemas.others import ChangeOut, items_of, page_of
from taskmgr.api.schemas.queries import BinQuery, PageQuery, TaskListQuery, TaskQueryOne, WriteQuery
from taskmgr.api.schemas.tasks import (
    AssigneeChange,
    ChangedTaskOut,
    NewTaskOut,
    PriorityChange,
    Restoring,
    StatusChange,
    TaskIn,
    TaskPatch,
    TaskRowOut,
    TransitionOut,
)
from taskmgr.api.views.answers import changed, created, paged, window_of
from taskmgr.api.views.task_list import depends_on_the_time, enriched, task_page, task_query
from taskmgr.domain.model.commands import TaskChanges
from taskmgr.domain.model.token import Scope

READ, WRITE = Scope.TASKS_READ, Scope.TASKS_WRITE

tasks = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="Tasks and their moves")

TaskPage = page_of(TaskRowOut, "TaskPage")
ChangePage = page_of(ChangeOut, "ChangePage")
Transitions = items_of(TransitionOut, "Transitions")


@tasks.get("")
@takes(READ)
@conditional(depends_on_the_time)
@tasks.query(TaskListQuery)
@tasks.response(200, TaskPage)
def list_tasks(query: dict[str, Any]) -> Any:
    """List tasks

    Filters are ANDed; a comma means any of. The newest come first unless `sort` says otherwise.
    """
    asked = task_query(query)
    return task_page(asked, window_of(query, asked), query)


@tasks.post("")
@takes(WRITE)
@idempotent()
@tasks.query(WriteQuery)
@tasks.body(TaskIn)
@tasks.response(201, NewTaskOut)
def create_task(query: dict[str, Any], given: dict[str, Any]) -> Any:
    """Create a task

    In another status than the workflow's initial one it is judged as a move from there.
    """
    task = services().tasks.create(**given, **query, by=actor())
    return created(task, f"{request.path}/{task.id}", **query)


@tasks.get("/<task_id>")
@takes(READ)
@tasks.query(TaskQueryOne)
@tasks.response(200, TaskRowOut)
def get_task(query: dict[str, Any], task_id: str) -> Any:
    """Get a task

    The ETag is the task's version. With `include` there is none: what comes along has other clocks.
    """
    include = query["include"]
    if include:
        (row,) = enriched([services().tasks.get(task_id, by=actor())], include)
        return row
    record = services().tasks.get_record(task_id, by=actor())
    return record, {"ETag": f'"{record.version}"'}


@tasks.patch("/<task_id>")
@takes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(TaskPatch)
@tasks.response(200, ChangedTaskOut)
def change_task(query: dict[str, Any], given: dict[str, Any], task_id: str) -> Any:
    """Change a task

    A merge patch (RFC 7396) of any fields: one command, one judgement, one entry in the log. An
    absent field stays, null empties. `reason`, `override` and `version` may stand beside them.
    """
    beside = {name: given.pop(name) for name in ("reason", "override") if name in given}
    version = expected_version(given.pop("version", None))
    task = services().tasks.change(
        task_id, cast("TaskChanges", given), by=actor(), version=version, **beside, **query
    )
    return changed(task, **query)


@tasks.put("/<task_id>/status")
@takes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(StatusChange)
@tasks.response(200, ChangedTaskOut)
def change_status(query: dict[str, Any], given: dict[str, Any], task_id: str) -> Any:
    """Move a task to another status

    A move to the status it has is accepted and changes nothing. A refusal lists every reason.
    """
    given["version"] = expected_version(given.get("version"))
    return changed(services().tasks.change_status(task_id, **given, **query, by=actor()), **query)


@tasks.put("/<task_id>/priority")
@takes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(PriorityChange)
@tasks.response(200, ChangedTaskOut)
def change_priority(query: dict[str, Any], given: dict[str, Any], task_id: str) -> Any:
    """Change a task's priority"""
    given["version"] = expected_version(given.get("version"))
    return changed(services().tasks.change_priority(task_id, **given, **query, by=actor()), **query)


@tasks.put("/<task_id>/assignee")
@takes(WRITE)
@tasks.query(WriteQuery)
@tasks.body(AssigneeChange)
@tasks.response(200, ChangedTaskOut)
def assign(query: dict[str, Any], given: dict[str, Any], task_id: str) -> Any:
    """Assign a task

    To a user, to `me`, or with null to nobody.
    """
    given["version"] = expected_version(given.get("version"))
    return changed(services().tasks.assign(task_id, **given, **query, by=actor()), **query)


@tasks.put("/<task_id>/blocked-by/<blocker_id>")
@takes(WRITE)
@tasks.query(BinQuery)
@tasks.response(200, ChangedTaskOut)
def block(query: dict[str, Any], task_id: str, blocker_id: str) -> Any:
    """Make a task wait for another"""
    query["version"] = expected_version(query["version"])
    task = services().tasks.block(task_id, blocker_id, by=actor(), **query)
    return changed(task, query["dry_run"])


@tasks.delete("/<task_id>/blocked-by/<blocker_id>")
@takes(WRITE)
@tasks.query(BinQuery)
@tasks.response(200, ChangedTaskOut)
def unblock(query: dict[str, Any], task_id: str, blocker_id: str) -> Any:
    """Make a task wait for another no longer"""
    query["version"] = expected_version(query["version"])
    task = services().tasks.unblock(task_id, blocker_id, by=actor(), **query)
    return changed(task, query["dry_run"])


@tasks.delete("/<task_id>")
@takes(WRITE)
@tasks.query(BinQuery)
@tasks.response(200, ChangedTaskOut)
def bin_task(query: dict[str, Any], task_id: str) -> Any:
    """Put a task into the bin

    From where it can be restored; `GET /tasks?bin=true` looks inside.
    """
    query["version"] = expected_version(query["version"])
    return changed(services().tasks.bin(task_id, by=actor(), **query), query["dry_run"])


@tasks.post("/<task_id>/restore")
@takes(WRITE)
@tasks.query(BinQuery)
@tasks.body(Restoring, required=False)
@tasks.response(200, ChangedTaskOut)
def restore_task(query: dict[str, Any], given: dict[str, Any], task_id: str) -> Any:
    """Take a task out of the bin

    As it was; limits, parent and cycles are judged again.
    """
    version = expected_version(given.pop("version", None), query.pop("version"))
    task = services().tasks.restore(task_id, by=actor(), version=version, **given, **query)
    return changed(task, **query)


@tasks.get("/<task_id>/transitions")
@takes(READ)
@tasks.response(200, Transitions)
def list_transitions(task_id: str) -> Any:
    """Ask which moves there are

    Every status of the workflow, for the calling user: whether the task may move there, and if not
    why, in the very words of a refusal. A missing reason is no obstacle: the row says `requires`.
    """
    return services().tasks.transitions(task_id, by=actor())


@tasks.get("/<task_id>/activity")
@takes(READ)
@tasks.query(PageQuery)
@tasks.response(200, ChangePage)
def list_task_activity(query: dict[str, Any], task_id: str) -> Any:
    """Read a task's log, newest first"""
    scope = ("activity of task", task_id)
    return paged(services().activity.of_task(task_id, window_of(query, scope), by=actor()), scope)
