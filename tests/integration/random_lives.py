"""Draws random commands by random users on a few tasks, which are named by numbers instead of ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from taskmgr.domain.model.errors import DomainError, Invalid, Refused
from taskmgr.domain.model.policy import DEFAULT_WORKFLOW
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk_results import Result
from tests.factories import SYSTEM

PEOPLE = (Role.MANAGER, Role.MEMBER, Role.MEMBER, Role.VIEWER)
FIRST_TASKS = 5

Operation = Mapping[str, Any]

_TASKS = st.integers(0, FIRST_TASKS + 2)
_PEOPLE = st.integers(0, len(PEOPLE) - 1)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "title": st.sampled_from(["One", "Two"]),
    "status": st.sampled_from([*DEFAULT_WORKFLOW.statuses, "in_progress", "in_progress", "completed"]),
    "priority": st.sampled_from(["urgent", "low", "urgent", "high"]),
    "due_date": st.sampled_from(["2026-12-01", None]),
    "assignee_id": st.sampled_from([0, 1, 1, 1, 2, None]),
    "labels": st.sampled_from([[], ["a"], ["b", "a"]]),
    "parent_id": st.none() | _TASKS,
    "blocked_by": st.lists(_TASKS, max_size=2),
}
_OPTIONS: dict[str, st.SearchStrategy[Any]] = {"reason": st.just("Because."), "override": st.just(True)}


def _operation(op: str, needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Operation]:
    return st.fixed_dictionaries({"op": st.just(op), **needed}, optional=optional)


# Reasons are frequent and overrides rare, so that many commands succeed without an override.
def operations(*, overrides: bool) -> st.SearchStrategy[Operation]:
    """Draws a command in the form of a bulk operation."""
    options = _OPTIONS if overrides else {"reason": _OPTIONS["reason"]}
    title = {"title": _FIELDS["title"]}
    others = {name: values for name, values in _FIELDS.items() if name != "title"}
    task, task_and_blocker = {"id": _TASKS}, {"id": _TASKS, "blocker_id": _TASKS}
    return st.one_of(
        _operation("create", title, others | options),
        _operation("change", task, _FIELDS | options),
        _operation("status", task | {"status": _FIELDS["status"], "reason": _OPTIONS["reason"]}, {}),
        _operation("status", task | {"status": _FIELDS["status"]}, options),
        _operation("change", task | {"status": st.just("in_progress"), "assignee_id": st.just(1)}, options),
        _operation("priority", task | {"priority": _FIELDS["priority"], "reason": _OPTIONS["reason"]}, {}),
        _operation("assign", task | {"assignee_id": _FIELDS["assignee_id"]}, options),
        _operation("bin", task, {}),
        _operation("restore", task, options),
        _operation("block", task_and_blocker, options),
        _operation("unblock", task_and_blocker, options),
    )


def commands(*, overrides: bool = True) -> st.SearchStrategy[tuple[int | None, Operation]]:
    """Draws a command and its actor: the number of a user, or None for the system, which has all rights."""
    actors = st.sampled_from([None] * 6 + list(range(len(PEOPLE))))
    return st.tuples(actors, operations(overrides=overrides))


@dataclass
class World:
    """Users and tasks in a database, and the mapping between their numbers and their ids."""

    services: Services
    people: list[User]
    tasks: list[str] = field(default_factory=list)

    @classmethod
    def with_people(cls, services: Services, prefix: str = "user") -> World:
        people = [
            services.users.create(username=f"{prefix}-{n}", name=f"{n}", role=role, by=SYSTEM)
            for n, role in enumerate(PEOPLE)
        ]
        tasks = [
            services.tasks.create(title="One", assignee_id=people[number % 3].id, by=SYSTEM).id
            for number in range(FIRST_TASKS)
        ]
        return cls(services, people, tasks)

    def actor(self, number: int | None) -> Actor:
        return SYSTEM if number is None else Actor.of(self.people[number])

    def with_ids(self, operation: Operation) -> dict[str, Any]:
        """Returns the operation with ids instead of numbers; task numbers wrap around."""
        converters: dict[str, Callable[[Any], Any]] = {
            "id": self._task,
            "blocker_id": self._task,
            "parent_id": self._task,
            "blocked_by": lambda numbers: [self._task(number) for number in numbers],
            "assignee_id": lambda number: None if number is None else self.people[number].id,
        }
        return {
            name: converters[name](value) if name in converters else value
            for name, value in operation.items()
        }

    def record_creation(self, result: Result) -> None:
        """Gives a task that the command has created the next number."""
        if result.created and result.task is not None:
            self.tasks.append(result.task.id)

    def perform(self, by: int | None, operation: Operation) -> Result:
        """Performs a single command."""
        (result,) = self.services.bulk.run(
            [self.with_ids(operation)], by=self.actor(by), atomic=False
        ).results
        self.record_creation(result)
        return result

    def _task(self, number: int | None) -> str | None:
        return None if number is None else self.tasks[number % len(self.tasks)]

    def without_ids(self, key: Any) -> Any:
        """Returns the name of an id or of each id in a list; returns other values unchanged."""
        names = {task_id: f"task {n}" for n, task_id in enumerate(self.tasks)}
        names |= {user.id: f"user {n}" for n, user in enumerate(self.people)}
        return (
            [self.without_ids(each) for each in key] if isinstance(key, list | tuple) else names.get(key, key)
        )


def lives(
    *, overrides: bool = True, max_commands: int = 30
) -> st.SearchStrategy[list[tuple[int | None, Operation]]]:
    """Draws sequences of commands."""
    return st.lists(commands(overrides=overrides), min_size=max_commands // 2, max_size=max_commands)


def outcome(result: Result) -> Any:
    """Returns the errors of a command or the version of its task, without ids."""
    error = result.error
    if isinstance(error, Refused):
        return [(reason.code, reason.overridable) for reason in error.reasons]
    if isinstance(error, Invalid):
        return sorted((each.location, each.code) for each in error.errors)
    if isinstance(error, DomainError):
        return error.code
    return result.task and result.task.version
