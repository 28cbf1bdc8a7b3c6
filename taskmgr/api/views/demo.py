"""`/demo`: the work of a small team, for a database without tasks."""

from __future__ import annotations

from typing import Any

from taskmgr.api.identity.scopes import requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.limits import DEFAULT_LIMITS, request_limits
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.demo import DemoOut
from taskmgr.domain.model.token import Scope

SECONDS = 110.0  # for hundreds of commands, each of which has the usual deadline

demo = Blueprint("demo", __name__, url_prefix="/api/v1/demo", description="Something to look around in")


@demo.post("")
@requires_scopes(Scope.ADMIN, Scope.TASKS_WRITE, Scope.USERS_WRITE)
@request_limits(
    max_body_bytes=DEFAULT_LIMITS.max_body_bytes,
    body_seconds=DEFAULT_LIMITS.body_seconds,
    store_seconds=SECONDS,
)
@demo.response(201, DemoOut)
def create_demo() -> Any:
    """Fill a database without tasks with the work of a small team

    Creates users, projects and tasks with two months of history, which takes some seconds. Only admins may.
    If there are tasks, or users or projects with the names of the demo, the answer is `database_not_empty`.
    """
    return services().demo.create(by=actor())
