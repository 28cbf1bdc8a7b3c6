"""Random commands of random people on a handful of tasks, named by numbers instead of ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from taskmgr.domain.model.errors import DomainError, Invalid, Refused
from taskmgr.domain.model.policy import DEFAULT_WORKFLOW
from taskmgr.domain.model.user import Actor, Role, User
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk import Result
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
_BESIDE: dict[str, st.SearchStrategy[Any]] = {"reason": st.just("Because."), "override": st.just(True)}


def _named(op: str, needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Operation]:
    return st.fixed_dictionaries({"op": st.just(op), **needed}, optional=optional)


# Reasons come often, and an override is rare, so that many commands succeed by themselves.
def operations(*, overrides: bool) -> st.SearchStrategy[Operation]:
    """One command, in the form that a bulk takes."""
    beside = _BESIDE if overrides else {"reason": _BESIDE["reason"]}
    title = {"title": _FIELDS["title"]}
    others = {name: values for name, values in _FIELDS.items() if name != "title"}
    one, other = {"id": _TASKS}, {"id": _TASKS, "blocker_id": _TASKS}
    return st.one_of(
        _named("create", title, others | beside),
        _named("change", one, _FIELDS | beside),
        _named("status", one | {"status": _FIELDS["status"], "reason": _BESIDE["reason"]}, {}),
        _named("status", one | {"status": _FIELDS["status"]}, beside),
        _named("change", one | {"status": st.just("in_progress"), "assignee_id": st.just(1)}, beside),
        _named("priority", one | {"priority": _FIELDS["priority"], "reason": _BESIDE["reason"]}, {}),
        _named("assign", one | {"assignee_id": _FIELDS["assignee_id"]}, beside),
        _named("bin", one, {}),
        _named("restore", one, beside),
        _named("block", other, beside),
        _named("unblock", other, beside),
    )


def commands(*, overrides: bool = True) -> st.SearchStrategy[tuple[int | None, Operation]]:
    """One command and who gives it: one of the people, or None for the system, which may anything."""
    who = st.sampled_from([None] * 6 + list(range(len(PEOPLE))))
    return st.tuples(who, operations(overrides=overrides))


@dataclass
class World:
    """People and tasks in a database; what they are called by numbers here, they have ids for there."""

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

    def told(self, operation: Operation) -> dict[str, Any]:
        """The operation with ids for numbers; the numbers go round the tasks that there are."""
        known: dict[str, Callable[[Any], Any]] = {
            "id": self._task,
            "blocker_id": self._task,
            "parent_id": self._task,
            "blocked_by": lambda numbers: [self._task(number) for number in numbers],
            "assignee_id": lambda number: None if number is None else self.people[number].id,
        }
        return {name: known[name](value) if name in known else value for name, value in operation.items()}

    def note(self, result: Result) -> None:
        """A task that was made gets the next number."""
        if result.created and result.task is not None:
            self.tasks.append(result.task.id)

    def perform(self, by: int | None, operation: Operation) -> Result:
        """One command by itself."""
        answered = self.services.bulk.run([self.told(operation)], by=self.actor(by), atomic=False)
        self.note(answered.results[0])
        return answered.results[0]

    def _task(self, number: int | None) -> str | None:
        return None if number is None else self.tasks[number % len(self.tasks)]

    def number(self, key: Any) -> Any:
        """What this id is called here."""
        names = {task_id: f"task {n}" for n, task_id in enumerate(self.tasks)}
        names |= {user.id: f"user {n}" for n, user in enumerate(self.people)}
        return [self.number(each) for each in key] if isinstance(key, list | tuple) else names.get(key, key)


def lives(
    *, overrides: bool = True, longest: int = 30
) -> st.SearchStrategy[list[tuple[int | None, Operation]]]:
    """Commands one after the other."""
    return st.lists(commands(overrides=overrides), min_size=longest // 2, max_size=longest)


def outcome(result: Result) -> Any:
    """What became of a command, without ids."""
    error = result.error
    if isinstance(error, Refused):
        return [(reason.code, reason.overridable) for reason in error.reasons]
    if isinstance(error, Invalid):
        return sorted((each.location, each.code) for each in error.errors)
    if isinstance(error, DomainError):
        return error.code
    return result.task and result.task.version
