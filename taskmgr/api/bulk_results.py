"""The results of a bulk on the wire: a row for each operation, in a bounded number of bytes."""

from __future__ import annotations

from collections.abc import Sequence, Set
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response

from taskmgr.api import problems
from taskmgr.api.input import strict_json
from taskmgr.domain.model.errors import DomainError, Stale
from taskmgr.domain.services.bulk import BulkRefused, Result

# Of a whole answer. It has to fit into one document (16 MiB) where it is remembered for a retry.
MOST_BYTES = 4 * 1024 * 1024
# Of the rows that are told in full. What is left is enough for a thousand short ones, and for the
# hundred mistakes or reasons above them.
_ROOM = 3 * 1024 * 1024
_NOT_SHOWN = "Not shown, since the answer has become too long: send fewer operations."


def rows(results: Sequence[Result], *, kept: bool = True, dry_run: bool = False) -> list[orjson.Fragment]:
    """Returns the row of each result, in their order, as JSON.

    Without `kept`, the operations that succeeded were undone with the others. The present state of a
    task is in the first row that is stale because of it. When the rows have taken `_ROOM`, the
    problems after that are short.
    """
    written: list[orjson.Fragment] = []
    shown: set[tuple[str, int]] = set()
    room = _ROOM
    is_undone = dry_run or not kept
    new_ids = {result.task.id for result in results if result.created and result.task}
    hidden_ids = new_ids if is_undone else frozenset()
    for result in results:
        row = strict_json.dumps(_row(result, shown, hidden_ids, kept=kept, short=room < 0))
        room -= len(row)
        if room < 0 and result.error is not None:
            row = strict_json.dumps(_row(result, shown, hidden_ids, kept=kept, short=True))
        written.append(orjson.Fragment(row))
    return written


def register(app: Flask) -> None:
    """Answers atomic bulks in which something failed."""

    @app.errorhandler(BulkRefused)
    def bulk_refused(error: BulkRefused) -> Response:
        found = rows(error.results, kept=False)
        if error.is_invalid:
            mistakes = problems.field_errors([e.under("body") for e in error.errors])
            return problems.respond("invalid", str(error), errors=mistakes, results=found)
        return problems.respond("refused", str(error), reasons=problems.reasons(error.reasons), results=found)


def _row(
    result: Result, shown: set[tuple[str, int]], hidden_ids: Set[str], *, kept: bool, short: bool
) -> dict[str, Any]:
    """Returns one row. `hidden_ids` are those of new tasks that are not kept."""
    if result.task is None:
        error = result.error or DomainError()
        problem = _short_problem(error) if short else _problem(error, shown)
        return {"status": problem["status"], "problem": problem}
    status = HTTPStatus.CREATED if result.created else HTTPStatus.OK
    return {
        "status": int(status if kept else HTTPStatus.FAILED_DEPENDENCY),
        "id": None if result.task.id in hidden_ids else result.task.id,
        "version": result.task.version if kept else None,
    }


def _problem(error: DomainError, shown: set[tuple[str, int]]) -> dict[str, Any]:
    problem = problems.of_domain(error)
    if isinstance(error, Stale):
        state = (error.current.id, error.current.version)
        if state in shown:
            del problem["current"]
        shown.add(state)
    return problem


def _short_problem(error: DomainError) -> dict[str, Any]:
    return problems.body(error.code, _NOT_SHOWN)
