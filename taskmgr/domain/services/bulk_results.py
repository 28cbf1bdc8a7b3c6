"""The results of a bulk, and the errors by which a whole bulk fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.errors import (
    Conflict,
    DomainError,
    FieldError,
    Fix,
    Invalid,
    NotFound,
    Refusal,
    Refused,
)
from taskmgr.domain.model.task import Task
from taskmgr.domain.rules.wording import counted
from taskmgr.domain.services.bulk_references import PREFIX

# The limits of one response: each of a thousand operations could have hundreds of mistakes.
MAX_ERRORS = 100
MAX_REASONS = 100

_ID_OR_KEY = re.compile(rf"\b(?:[0-9a-f]{{24}}|{values.STORED_TASK_KEY_PATTERN})\b")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one operation: the task, or the error that the single command would have raised."""

    task: Task | None = None
    error: DomainError | None = None
    created: bool = False


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The results of all operations, in their order. A dry run has no change set."""

    results: Sequence[Result]
    change_set: str | None


class BulkRefused(DomainError):
    """An operation of an atomic bulk failed, so nothing was changed. `results` are those of all operations.

    `errors` are the mistakes in the operations with their locations in the request, `reasons` the refusals:
    at most 100 of each, without repetitions.
    """

    code = "bulk_refused"

    def __init__(self, results: Sequence[Result], *, by_query: bool = False) -> None:
        self.results = tuple(results)
        self._by_query = by_query
        failed = sum(result.error is not None for result in results)
        super().__init__(f"{failed} of {len(self.results)} operations failed; nothing was changed.")

    @property
    def is_invalid(self) -> bool:
        """Returns True if an operation was not well-formed."""
        return any(isinstance(result.error, Invalid) for result in self.results)

    @property
    def errors(self) -> tuple[FieldError, ...]:
        errors = (
            error.under("change" if self._by_query else f"operations.{position}")
            for position, result in enumerate(self.results)
            if isinstance(result.error, Invalid)
            for error in result.error.errors
        )
        return tuple(islice(dict.fromkeys(errors), MAX_ERRORS))

    @property
    def reasons(self) -> tuple[Refusal, ...]:
        refused = (result.error for result in self.results if isinstance(result.error, Refused))
        # By code and detail, because a fix may not be hashable.
        reasons = {(reason.code, reason.detail): reason for error in refused for reason in error.reasons}
        return tuple(islice(reasons.values(), MAX_REASONS))


class UnexpectedCount(Conflict):
    """Another number of tasks than expected matches the query; `count` is the actual number."""

    code = "unexpected_count"

    def __init__(self, count: int, *, expected: int) -> None:
        self.count = count
        matches = counted(count, "task")
        super().__init__(f"The query matches {matches} instead of {expected}. Nothing was changed.")


def name_unkept_tasks(results: Sequence[Result], operations: Sequence[Mapping[str, Any]]) -> Sequence[Result]:
    """Returns the results of a bulk that is not kept, without ids and keys that lead nowhere.

    Errors name a new task `ref:…` or, without a `ref`, `operations.3`, and a task that got another key in
    the way in which the operation names it.
    """
    names: dict[str | None, str] = {}
    for position, (operation, result) in enumerate(zip(operations, results, strict=True)):
        if result.task is None:
            continue
        if result.created:
            ref = operation.get("ref")
            name = f"{PREFIX}{ref}" if ref else f"operations.{position}"
            names |= {result.task.id: name, result.task.key: name}
        elif operation.get("project") is not None:
            names[result.task.key] = operation["id"]
    if not names:
        return results

    def rename(text: str) -> str:
        return _ID_OR_KEY.sub(lambda match: names.get(match[0], match[0]), text)

    return [replace(result, error=_renamed(result.error, rename)) for result in results]


def _renamed(error: DomainError | None, rename: Callable[[str], str]) -> DomainError | None:
    if isinstance(error, Refused):
        return Refused([_renamed_refusal(refusal, rename) for refusal in error.reasons])
    if isinstance(error, NotFound):
        return NotFound(error.entity, rename(error.key))
    if isinstance(error, Invalid):
        return Invalid([replace(mistake, detail=rename(mistake.detail)) for mistake in error.errors])
    return error


def _renamed_refusal(refusal: Refusal, rename: Callable[[str], str]) -> Refusal:
    fix = None if refusal.fix is None else _renamed_fix(refusal.fix, rename)
    return replace(refusal, detail=rename(refusal.detail), fix=fix)


def _renamed_fix(fix: Fix, rename: Callable[[str], str]) -> Fix:
    arguments = {
        name: rename(value) if isinstance(value, str) else tuple(item and rename(item) for item in value)
        for name, value in fix.arguments.items()
    }
    return replace(fix, arguments=arguments)
