"""`POST /tasks/bulk`: many commands as one."""

from __future__ import annotations

from typing import Any

from taskmgr.api import bulk_results
from taskmgr.api.conditional.idempotency import idempotent
from taskmgr.api.identity.bearer import require_scopes, takes
from taskmgr.api.input.blueprint import Blueprint
from taskmgr.api.input.limits import allows
from taskmgr.api.runtime import actor, services
from taskmgr.api.schemas.bulk import BulkIn, BulkOut
from taskmgr.api.schemas.queries import WriteQuery
from taskmgr.api.views.task_list import task_query
from taskmgr.domain.model.token import Scope
from taskmgr.domain.services.bulk import SECONDS, BulkResult

MOST_BYTES = 4 * 1024 * 1024
BODY_SECONDS = 60.0

bulk = Blueprint("bulk", __name__, url_prefix="/api/v1/tasks/bulk", description="Many commands as one")


@bulk.post("")
@takes(Scope.TASKS_WRITE)
@allows(body_bytes=MOST_BYTES, body_seconds=BODY_SECONDS, store_seconds=SECONDS)
@idempotent(SECONDS)
@bulk.query(WriteQuery)
@bulk.body(BulkIn)
@bulk.response(200, BulkOut)
def perform(query: dict[str, Any], given: dict[str, Any]) -> Any:
    """Do many things at once

    `operations` is a list of objects, each with `op` (create, change, status, priority, assign,
    bin, restore, block, unblock) and the fields of the single call; or `where` (the filters of
    `GET /tasks`), `change` and `expect` change every task that matches, which takes the scope
    tasks:read too. Mode `atomic`: where one
    fails, all are judged and none is kept. Mode `each`: each stands for itself.
    """
    atomic = given["mode"] == "atomic"
    if "operations" in given:
        done = services().bulk.run(given["operations"], by=actor(), atomic=atomic, **query)
        return _answer(done, **query)
    require_scopes({Scope.TASKS_READ.value})  # its answer tells what matches
    done = services().bulk.change_where(
        task_query(given["where"]),
        given["change"],
        expect=given["expect"],
        by=actor(),
        atomic=atomic,
        **query,
    )
    return _answer(done, **query)


def _answer(done: BulkResult, *, dry_run: bool) -> Any:
    rows = bulk_results.rows(done.results, dry_run=dry_run)
    answer = {"results": rows, "change_set": done.change_set}
    return answer, {"Dry-Run": "true"} if dry_run else {}
