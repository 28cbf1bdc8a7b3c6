"""Runs many commands on tasks in one transaction. Each is judged in its turn, as if it came alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.commands import Operation, TaskChanges, WhereChanges
from taskmgr.domain.model.errors import (
    DomainError,
    Invalid,
    KeyTaken,
    Stale,
    WriteConflict,
    required,
)
from taskmgr.domain.model.parsing import BadValue, unknown_field
from taskmgr.domain.model.place import SIDES
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.services.bulk_references import References
from taskmgr.domain.services.bulk_results import (
    BulkRefused,
    BulkResult,
    Result,
    UnexpectedCount,
    name_unkept_tasks,
)
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.domain.services.tasks.fields import resolved
from taskmgr.domain.services.tasks.numbering import PreviewKeys, ReservedKeys, giving_back

MAX_OPERATIONS = 1_000
SECONDS = 20.0
MAX_UNKNOWN_FIELDS = 20  # per operation

_OPTIONS = frozenset({"reason", "override", "version"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of operation: its command, the fields that it requires, and its optional ones."""

    command: Callable[..., Task]
    required: tuple[str, ...]
    optional: frozenset[str] = _OPTIONS


def _create(tasks: TaskService, *, ref: str | None = None, **fields: Any) -> Task:  # noqa: ARG001
    return tasks.create(**fields)


def _change(tasks: TaskService, task_id: str, **fields: Any) -> Task:
    options = {name: fields.pop(name) for name in (*_OPTIONS, "by") if name in fields}
    return tasks.change(task_id, cast("TaskChanges", fields), **options)


_FIELDS = frozenset(TaskChanges.__annotations__)
OPERATIONS: Mapping[str, _Kind] = {
    "create": _Kind(_create, ("title",), _FIELDS - {"title", "rank"} | {"reason", "override", "ref"}),
    "change": _Kind(_change, ("id",), _FIELDS | _OPTIONS),
    "status": _Kind(TaskService.change_status, ("id", "status")),
    "priority": _Kind(TaskService.change_priority, ("id", "priority")),
    "assign": _Kind(TaskService.assign, ("id", "assignee_id")),
    "rank": _Kind(TaskService.rank, ("id",), frozenset(SIDES) | _OPTIONS),
    "bin": _Kind(TaskService.bin, ("id",), frozenset({"version"})),
    "restore": _Kind(TaskService.restore, ("id",)),
    "block": _Kind(TaskService.block, ("id", "blocker_id")),
    "unblock": _Kind(TaskService.unblock, ("id", "blocker_id")),
}
_POSITIONAL = ("id", "blocker_id")


@dataclass(frozen=True, slots=True)
class BulkService:
    """Runs many commands on tasks in one transaction."""

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
        """Performs 1 to 1,000 operations in order and returns their results.

        Each is `{"op": …}` with the fields of the single command. A create may have a `ref`; later
        operations refer to its task by `"ref:…"` in place of an id. If one fails and the bulk is `atomic`,
        all are judged and nothing is changed (`BulkRefused`); otherwise the others are kept. Raises `Invalid`
        for another number of operations.
        """
        values.parse_options(atomic=atomic, dry_run=dry_run)
        if not 1 <= len(operations) <= MAX_OPERATIONS:
            detail = f"Must be 1 to {MAX_OPERATIONS} operations; these are {len(operations)}."
            raise Invalid([BadValue("out_of_range", detail).at("operations")])

        def command(tasks: TaskService) -> BulkResult:
            results = _perform_all(tasks, operations, by, References(operations))
            if dry_run or (atomic and _has_errors(results)):
                results = name_unkept_tasks(results, operations)
            return self._finish(results, atomic=atomic, dry_run=dry_run)

        return self._run(command, _projects_of(operations), by=by, dry_run=dry_run)

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
        """Makes the same change to every task that matches and returns the results.

        Raises `UnexpectedCount` unless `expect` tasks match, at most 1,000, and what `run` raises.
        """
        values.parse_options(expect=expect, atomic=atomic, dry_run=dry_run)
        if expect > MAX_OPERATIONS:
            detail = f"Must be at most {MAX_OPERATIONS}: use a query that matches fewer tasks."
            raise Invalid([BadValue("out_of_range", detail).at("expect")])
        query = resolved(self.store, query, self.tasks.policy)
        now = self.tasks.clock()

        def command(tasks: TaskService) -> BulkResult:
            context = QueryContext(now, self.tasks.policy)
            ids = self.store.tasks.find_ids(query, context, limit=MAX_OPERATIONS + 1)
            if len(ids) != expect or len(ids) > MAX_OPERATIONS:
                count = self.store.tasks.count(query, context)
                raise UnexpectedCount(count, expected=expect)
            operations = [{**changes, "op": "change", "id": task_id} for task_id in ids]
            results = _perform_all(tasks, operations, by, None)
            return self._finish(results, atomic=atomic, dry_run=dry_run, by_query=True)

        projects = _projects_of([{**changes, "op": "change"}]) * expect
        return self._run(command, projects, by=by, dry_run=dry_run)

    def _run(
        self,
        command: Callable[[TaskService], BulkResult],
        projects: Sequence[str | None],
        *,
        by: Actor,
        dry_run: bool,
    ) -> BulkResult:
        """Runs a command in a transaction, with as many keys of the projects as the bulk may need."""
        if dry_run or not permissions.permits(by, Action.CREATE_TASK):
            tasks = replace(self.tasks, keys=PreviewKeys(self.store.projects))
            return self.store.unit_of_work.run(lambda: command(tasks), dry_run=dry_run, seconds=SECONDS)
        keys = ReservedKeys(self.store.projects, projects)
        tasks = replace(self.tasks, keys=keys)

        def attempt() -> BulkResult:
            keys.restart()
            try:
                return command(tasks)
            except KeyTaken:
                keys.renew()
                raise

        with giving_back(keys.return_all):
            result = self.store.unit_of_work.run(attempt, seconds=SECONDS)
        keys.return_unused()
        return result

    def _finish(
        self, results: Sequence[Result], *, atomic: bool, dry_run: bool, by_query: bool = False
    ) -> BulkResult:
        if atomic and _has_errors(results):
            raise BulkRefused(results, by_query=by_query)
        return BulkResult(results, None if dry_run else self.store.unit_of_work.change_set)


def _projects_of(operations: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Returns the project of each operation that may need a key.

    An operation with a project that is neither an id nor a key will fail, and needs no key.
    """
    projects: list[str | None] = []
    for operation in operations:
        project, kind = operation.get("project"), operation.get("op")
        if project is None and kind == "create":
            projects.append(None)
        elif project is not None and kind in ("create", "change"):
            with suppress(BadValue):
                projects.append(values.project_reference(project))
    return projects


def _perform_all(
    tasks: TaskService,
    operations: Sequence[Mapping[str, Any]],
    by: Actor,
    references: References | None,
) -> Sequence[Result]:
    """Performs the operations. Without `references`, `ref:…` has no meaning."""
    states: dict[tuple[str, int], Any] = {}
    with tasks.store.unit_of_work.gathered():
        return [
            _share_state(_perform(tasks, operation, position, by, references), states)
            for position, operation in enumerate(operations)
        ]


def _perform(
    tasks: TaskService,
    operation: Mapping[str, Any],
    position: int,
    by: Actor,
    references: References | None,
) -> Result:
    try:
        kind, fields = _parse(operation)
        if references is not None:
            fields = references.resolve(fields, position)
        positional = [str(fields.pop(name)) for name in _POSITIONAL if name in kind.required]
        task = kind.command(tasks, *positional, by=by, **fields)
    except WriteConflict:  # the whole transaction runs again
        raise
    except DomainError as error:
        return Result(error=_without_frames(error))
    if references is not None and "ref" in fields:
        references.register(fields["ref"], task.id)
    return Result(task=task, created=operation["op"] == "create")


def _has_errors(results: Sequence[Result]) -> bool:
    return any(result.error is not None for result in results)


def _without_frames(error: DomainError) -> DomainError:
    """Drops the traceback: those of a thousand errors would keep everything alive that was read."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _share_state(result: Result, states: dict[tuple[str, int], Any]) -> Result:
    """Makes all `Stale` errors about one state of a task share it, because it can take 100 kB."""
    if isinstance(result.error, Stale):
        current = result.error.current
        result.error.current = states.setdefault((current.id, current.version), current)
    return result


def _parse(operation: Mapping[str, Any]) -> tuple[_Kind, dict[str, Any]]:
    """Returns an operation's kind and its fields. Raises `Invalid` for unknown and missing fields."""
    fields = dict(operation)
    name = fields.pop("op", None)
    kind = OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid([parsing.not_allowed(OPERATIONS).at("op")])
    if name == "create":  # a new task has no old value that null could empty
        fields = {key: value for key, value in fields.items() if value is not None}
    known = {*kind.required, *kind.optional}
    unknown = (unknown_field(key, sorted(known)) for key in fields if key not in known)
    errors = list(islice(unknown, MAX_UNKNOWN_FIELDS))
    errors += [required(key) for key in kind.required if key not in fields]
    if errors:
        raise Invalid(errors)
    return kind, fields
