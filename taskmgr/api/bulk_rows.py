"""Writes the results of a bulk: one row for each operation, in a bounded number of bytes."""

from __future__ import annotations

from collections.abc import Sequence, Set
from http import HTTPStatus
from typing import Any

import orjson

from taskmgr.api.input import strict_json
from taskmgr.api.problems.domain_errors import domain_problem
from taskmgr.api.problems.responses import problem_body
from taskmgr.api.request_state import may_read_response
from taskmgr.domain.model.errors import DomainError, Stale
from taskmgr.domain.services.bulk_results import Result

# The maximum size of a response. Stored for a retry, it must fit into one document of MongoDB (16 MiB).
MAX_BYTES = 4 * 1024 * 1024
# The maximum size of the rows with full details. The rest is enough for a thousand short rows, and for the
# hundred errors or reasons of the whole bulk.
_MAX_DETAILED_BYTES = 3 * 1024 * 1024
_TOO_LONG = "Not shown, because the response is too long. Send fewer operations."


def bulk_rows(
    results: Sequence[Result], *, kept: bool = True, dry_run: bool = False
) -> list[orjson.Fragment]:
    """Returns the row of each result as JSON, in the order of the results.

    If `kept` is false, the operations that succeeded were undone with the others. The current state of a
    task is shown once, in the first row that is stale because of it. Once the rows have reached
    `_MAX_DETAILED_BYTES`, further problems are short.
    """
    rows: list[orjson.Fragment] = []
    shown: set[tuple[str, int]] = set()
    remaining = _MAX_DETAILED_BYTES
    is_undone = dry_run or not kept
    new_ids = {result.task.id for result in results if result.created and result.task}
    hidden_ids = new_ids if is_undone else frozenset()
    for result in results:
        row = strict_json.dumps(_row(result, shown, hidden_ids, kept=kept, short=remaining < 0))
        remaining -= len(row)
        if remaining < 0 and result.error is not None:
            row = strict_json.dumps(_row(result, shown, hidden_ids, kept=kept, short=True))
        rows.append(orjson.Fragment(row))
    return rows


def _row(
    result: Result, shown: set[tuple[str, int]], hidden_ids: Set[str], *, kept: bool, short: bool
) -> dict[str, Any]:
    """Returns one row. `hidden_ids` are those of new tasks that are not stored."""
    if result.task is None:
        error = result.error or DomainError()
        problem = problem_body(error.code, _TOO_LONG) if short else _problem(error, shown)
        return {"status": problem["status"], "problem": problem}
    status = HTTPStatus.CREATED if result.created else HTTPStatus.OK
    is_hidden = result.task.id in hidden_ids
    return {
        "status": int(status if kept else HTTPStatus.FAILED_DEPENDENCY),
        "id": None if is_hidden else result.task.id,
        "key": None if is_hidden or not may_read_response() else result.task.key,
        "version": result.task.version if kept else None,
    }


def _problem(error: DomainError, shown: set[tuple[str, int]]) -> dict[str, Any]:
    problem = domain_problem(error)
    if isinstance(error, Stale):
        state = (error.current.id, error.current.version)
        if state in shown:
            del problem["current"]
        shown.add(state)
    return problem
