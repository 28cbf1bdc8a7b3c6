"""`POST /tasks/bulk`: many commands in one request."""

from __future__ import annotations

from typing import Any

from taskmgr.api.bulk_rows import bulk_rows
from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.identity.scopes import ensure_scopes, requires_scopes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.limits import request_limits
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.bulk import BulkIn, BulkOut
from taskmgr.api.schemas.queries import WriteQuery
from taskmgr.api.views.responses import DRY_RUN_HEADER
from taskmgr.api.views.task_list import build_task_query
from taskmgr.domain.model.token import Scope
from taskmgr.domain.services.bulk import SECONDS
from taskmgr.domain.services.bulk_results import BulkResult

MAX_BODY_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 60.0

bulk = Blueprint(
    "bulk", __name__, url_prefix="/api/v1/tasks/bulk", description="Many commands in one request"
)


@bulk.post("")
@requires_scopes(Scope.TASKS_WRITE)
@request_limits(max_body_bytes=MAX_BODY_BYTES, body_seconds=BODY_SECONDS, store_seconds=SECONDS)
@idempotent(SECONDS)
@bulk.query(WriteQuery)
@bulk.body(BulkIn)
@bulk.response(200, BulkOut)
def perform(params: dict[str, Any], body: dict[str, Any]) -> Any:
    """Run many commands at once

    The body has one of two forms. `operations` is a list of objects, each with `op` (create, change,
    status, priority, assign, rank, bin, restore, block, unblock) and the fields of the single call. Or
    `where` (the filters of `GET /tasks`), `change` and `expect` (the number of matches) change every task
    that matches, which also requires the scope tasks:read. In mode `atomic`, nothing is stored if any
    operation fails. In mode `each`, every operation that succeeds is stored.
    """
    atomic = body["mode"] == "atomic"
    if "operations" in body:
        result = services().bulk.run(body["operations"], by=actor(), atomic=atomic, **params)
        return _response(result, **params)
    ensure_scopes({Scope.TASKS_READ.value})  # the response shows which tasks match
    result = services().bulk.change_where(
        build_task_query(body["where"], "body.where"),
        body["change"],
        expect=body["expect"],
        by=actor(),
        atomic=atomic,
        **params,
    )
    return _response(result, **params)


def _response(result: BulkResult, *, dry_run: bool) -> Any:
    rows = bulk_rows(result.results, dry_run=dry_run)
    body = {"results": rows, "change_set": result.change_set}
    return body, DRY_RUN_HEADER if dry_run else {}
