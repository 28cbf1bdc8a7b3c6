"""The results of a bulk, and the errors by which a whole bulk fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from taskmgr.domain.model.errors import Conflict, DomainError, FieldError, Invalid, Refusal, Refused
from taskmgr.domain.model.task import Task
from taskmgr.domain.rules.wording import counted

# The limits of one response: each of a thousand operations could have hundreds of mistakes.
MAX_ERRORS = 100
MAX_REASONS = 100


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
