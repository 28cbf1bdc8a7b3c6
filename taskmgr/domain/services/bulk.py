"""Many commands as one: the very same commands, judged one by one, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from taskmgr.domain.model import values
from taskmgr.domain.model.commands import Operation, TaskChanges, WhereChanges
from taskmgr.domain.model.errors import (
    Conflict,
    DomainError,
    FieldError,
    Invalid,
    Refusal,
    Refused,
    Stale,
    WriteConflict,
    required,
)
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.model.values import BadValue, unknown_field
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.domain.queries.validation import validated
from taskmgr.domain.services.tasks.commands import TaskService

MOST_OPERATIONS = 1_000
SECONDS = 20.0
# What one answer tells: a thousand operations could each have hundreds of mistakes.
MOST_ERRORS = 100
MOST_REASONS = 100
MOST_UNKNOWN = 20  # of one operation


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one operation: the task, or the error that a single call would have raised."""

    task: Task | None = None
    error: DomainError | None = None
    created: bool = False


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of all of them, in their order; a dry run has made no change set."""

    results: Sequence[Result]
    change_set: str | None


class BulkRefused(DomainError):
    """An atomic bulk in which something failed: nothing has happened. `results` has what and why.

    `errors` are the mistakes in the operations, by their places in what was given, and `reasons` the
    refusals; of both at most 100, and each once.
    """

    code = "bulk_refused"

    def __init__(self, results: Sequence[Result], *, of_query: bool = False) -> None:
        self.results = tuple(results)
        self._of_query = of_query
        failed = sum(result.error is not None for result in results)
        super().__init__(f"{failed} of {len(self.results)} operations failed; nothing was changed.")

    @property
    def is_invalid(self) -> bool:
        """Whether some operation was not even well-formed."""
        return any(isinstance(result.error, Invalid) for result in self.results)

    @property
    def errors(self) -> tuple[FieldError, ...]:
        found = (
            error.under("change" if self._of_query else f"operations.{place}")
            for place, result in enumerate(self.results)
            if isinstance(result.error, Invalid)
            for error in result.error.errors
        )
        return tuple(islice(dict.fromkeys(found), MOST_ERRORS))

    @property
    def reasons(self) -> tuple[Refusal, ...]:
        refused = (result.error for result in self.results if isinstance(result.error, Refused))
        # Their sentences tell them apart; a fix may not be hashable.
        found = {(reason.code, reason.detail): reason for error in refused for reason in error.reasons}
        return tuple(islice(found.values(), MOST_REASONS))


class UnexpectedCount(Conflict):
    """A bulk by query met another number of tasks than was expected; `count` is the real one."""

    code = "unexpected_count"

    def __init__(self, count: int, *, expected: int) -> None:
        self.count = count
        super().__init__(f"The query matches {count} tasks; {expected} were expected. Nothing was changed.")


_BESIDE = frozenset({"reason", "override", "version"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of operation: the command, the fields it needs, and those it may have besides."""

    command: Callable[..., Task]
    needs: tuple[str, ...]
    takes: frozenset[str] = _BESIDE


def _change(tasks: TaskService, task_id: str, **given: Any) -> Task:
    beside = {name: given.pop(name) for name in (*_BESIDE, "by") if name in given}
    return tasks.change(task_id, cast("TaskChanges", given), **beside)


_FIELDS = frozenset(
    {"title", "description", "status", "priority", "due_date", "assignee_id", "labels", "parent_id",
     "blocked_by"}
)  # fmt: skip
OPERATIONS: Mapping[str, _Kind] = {
    "create": _Kind(TaskService.create, ("title",), _FIELDS - {"title"} | {"reason", "override"}),
    "change": _Kind(_change, ("id",), _FIELDS | _BESIDE),
    "status": _Kind(TaskService.change_status, ("id", "status")),
    "priority": _Kind(TaskService.change_priority, ("id", "priority")),
    "assign": _Kind(TaskService.assign, ("id", "assignee_id")),
    "bin": _Kind(TaskService.bin, ("id",), frozenset({"version"})),
    "restore": _Kind(TaskService.restore, ("id",)),
    "block": _Kind(TaskService.block, ("id", "blocker_id")),
    "unblock": _Kind(TaskService.unblock, ("id", "blocker_id")),
}
_POSITIONAL = ("id", "blocker_id")


@dataclass(frozen=True, slots=True)
class BulkService:
    """Many operations on tasks at once."""

    store: Store
    tasks: TaskService

    def run(
        self,
        operations: Sequence[Operation],
        *,
        by: Actor,
        atomic: bool = True,
        dry_run: bool = False,
    ) -> BulkResult:
        """Performs operations, each `{"op": …}` with the fields of the single command, in order.

        `atomic`: where one fails, all are judged and none is kept (`BulkRefused`). Otherwise each
        stands for itself.
        """
        values.parse_options(atomic=atomic, dry_run=dry_run)
        if not 1 <= len(operations) <= MOST_OPERATIONS:
            raise BadCount(len(operations))

        def command() -> BulkResult:
            return self._perform_all(operations, by, atomic=atomic, dry_run=dry_run)

        return self.store.unit_of_work.run(command, dry_run=dry_run, seconds=SECONDS)

    def change_where(
        self,
        query: TaskQuery,
        changes: WhereChanges,
        *,
        expect: int,
        by: Actor,
        atomic: bool = True,
        dry_run: bool = False,
    ) -> BulkResult:
        """The same change of every task that matches. Raises `UnexpectedCount`."""
        values.parse_options(expect=expect, atomic=atomic, dry_run=dry_run)
        query = validated(query, self.tasks.policy)
        now = self.tasks.clock()

        def command() -> BulkResult:
            context = QueryContext(now, self.tasks.policy)
            ids = self.store.tasks.find_ids(query, context, limit=MOST_OPERATIONS + 1)
            if len(ids) != expect or len(ids) > MOST_OPERATIONS:
                count = self.store.tasks.count(query, context)
                raise UnexpectedCount(count, expected=expect)
            operations = [{**changes, "op": "change", "id": task_id} for task_id in ids]
            return self._perform_all(operations, by, atomic=atomic, dry_run=dry_run, of_query=True)

        return self.store.unit_of_work.run(command, dry_run=dry_run, seconds=SECONDS)

    def _perform_all(
        self,
        operations: Sequence[Mapping[str, Any]],
        by: Actor,
        *,
        atomic: bool,
        dry_run: bool,
        of_query: bool = False,
    ) -> BulkResult:
        with self.store.unit_of_work.gathered():
            states: dict[tuple[str, int], Any] = {}
            results = [_sharing(self._perform(operation, by), states) for operation in operations]
        if atomic and any(result.error is not None for result in results):
            raise BulkRefused(results, of_query=of_query)
        return BulkResult(results, None if dry_run else self.store.unit_of_work.change_set)

    def _perform(self, operation: Mapping[str, Any], by: Actor) -> Result:
        try:
            kind, positional, given = _read(operation)
            task = kind.command(self.tasks, *positional, by=by, **given)
        except WriteConflict:  # the whole transaction is run again
            raise
        except DomainError as error:
            return Result(error=_without_frames(error))
        return Result(task=task, created=operation["op"] == "create")


def _without_frames(error: DomainError) -> DomainError:
    """Lets go of the frames that an error passed: a thousand would hold all that was read in them."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _sharing(result: Result, states: dict[tuple[str, int], Any]) -> Result:
    """Makes all that is stale because of one state hold the same: a task can be 100 kB long."""
    if isinstance(result.error, Stale):
        current = result.error.current
        result.error.current = states.setdefault((current.id, current.version), current)
    return result


class BadCount(Invalid):
    """Too few or too many operations."""

    def __init__(self, count: int) -> None:
        detail = f"Must be 1 to {MOST_OPERATIONS} operations; these are {count}."
        super().__init__([BadValue("out_of_range", detail).at("operations")])


def _read(operation: Mapping[str, Any]) -> tuple[_Kind, list[Any], dict[str, Any]]:
    """An operation's kind, and its fields as the command takes them. Raises `Invalid`."""
    given = dict(operation)
    name = given.pop("op", None)
    kind = OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid([values.not_allowed(OPERATIONS).at("op")])
    if name == "create":  # where a null field is an absent one
        given = {key: value for key, value in given.items() if value is not None}
    known = {*kind.needs, *kind.takes}
    unknown = (unknown_field(key, sorted(known)) for key in given if key not in known)
    errors = list(islice(unknown, MOST_UNKNOWN))
    errors += [required(key) for key in kind.needs if key not in given]
    if errors:
        raise Invalid(errors)
    positional = [str(given.pop(key)) for key in _POSITIONAL if key in kind.needs]
    return kind, positional, given
