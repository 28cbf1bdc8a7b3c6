"""`version`, `reason`, `override` and `dry_run` are checked by every command, whoever calls it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from taskmgr.domain.model.task import Task
from taskmgr.domain.queries.task_query import TaskQuery
from taskmgr.domain.services import Services
from taskmgr.domain.services.bulk import OPERATIONS
from taskmgr.domain.services.bulk_results import BulkResult
from tests.answers import mistakes
from tests.factories import SYSTEM, an_id

WRONG: dict[str, list[Any]] = {
    "version": [True, "1", 0, 1.5, 2**63],
    "reason": [7, "", "x" * 1_001],
    "override": [1, "false", None],
    "dry_run": [1, "false", None],
}
EVERY = frozenset(WRONG)


@dataclass(frozen=True)
class Command:
    """A call of a service, and the options that it takes."""

    call: Callable[..., Any]
    takes: frozenset[str]


COMMANDS: dict[str, Command] = {
    "tasks.create": Command(lambda s, **o: s.tasks.create(title="New", by=SYSTEM, **o), EVERY - {"version"}),
    "tasks.change": Command(lambda s, **o: s.tasks.change(o.pop("id"), {}, by=SYSTEM, **o), EVERY),
    "tasks.change_status": Command(
        lambda s, **o: s.tasks.change_status(o.pop("id"), status="todo", by=SYSTEM, **o), EVERY
    ),
    "tasks.change_priority": Command(
        lambda s, **o: s.tasks.change_priority(o.pop("id"), priority="low", by=SYSTEM, **o), EVERY
    ),
    "tasks.assign": Command(
        lambda s, **o: s.tasks.assign(o.pop("id"), assignee_id=None, by=SYSTEM, **o), EVERY
    ),
    "tasks.rank": Command(lambda s, **o: s.tasks.rank(o.pop("id"), first=True, by=SYSTEM, **o), EVERY),
    "tasks.block": Command(lambda s, **o: s.tasks.block(o.pop("id"), an_id(), by=SYSTEM, **o), EVERY),
    "tasks.unblock": Command(lambda s, **o: s.tasks.unblock(o.pop("id"), an_id(), by=SYSTEM, **o), EVERY),
    "tasks.bin": Command(
        lambda s, **o: s.tasks.bin(o.pop("id"), by=SYSTEM, **o), frozenset({"version", "dry_run"})
    ),
    "tasks.restore": Command(lambda s, **o: s.tasks.restore(o.pop("id"), by=SYSTEM, **o), EVERY),
    "comments.create": Command(
        lambda s, **o: s.comments.create(o.pop("id"), text="Said", by=SYSTEM, **o), frozenset({"dry_run"})
    ),
    "comments.change": Command(
        lambda s, **o: s.comments.change(o.pop("id"), an_id(), text="Said", by=SYSTEM, **o),
        frozenset({"version", "dry_run"}),
    ),
    "comments.delete": Command(
        lambda s, **o: s.comments.delete(o.pop("id"), an_id(), by=SYSTEM, **o),
        frozenset({"version", "dry_run"}),
    ),
    "users.create": Command(
        lambda s, **o: s.users.create(username="ada", name="Ada", by=SYSTEM, **o), frozenset({"dry_run"})
    ),
    "users.change": Command(
        lambda s, **o: s.users.change(o.pop("id"), {}, by=SYSTEM, **o), frozenset({"version", "dry_run"})
    ),
    "projects.create": Command(
        lambda s, **o: s.projects.create(key="OPS", name="Operations", by=SYSTEM, **o),
        frozenset({"dry_run"}),
    ),
    "projects.change": Command(
        lambda s, **o: s.projects.change("TASK", {}, by=SYSTEM, **o), frozenset({"version", "dry_run"})
    ),
    "bulk.run": Command(
        lambda s, **o: s.bulk.run([{"op": "create", "title": "New"}], by=SYSTEM, **o), frozenset({"dry_run"})
    ),
}
WITHOUT_ID = ("tasks.create", "users.create", "projects.create", "projects.change", "bulk.run")
SERVICES = ("tasks", "comments", "users", "projects")


def wrong_calls() -> Iterator[tuple[str, str, Any]]:
    for name, command in COMMANDS.items():
        for option in sorted(command.takes):
            for value in WRONG[option]:
                yield name, option, value


@pytest.mark.parametrize(("name", "option", "value"), list(wrong_calls()))
def test_a_command_checks_its_options(
    name: str, option: str, value: Any, services: Services, make_task: Callable[..., Task]
) -> None:
    key = {} if name in WITHOUT_ID else {"id": make_task().id}

    found = mistakes(lambda: COMMANDS[name].call(services, **key, **{option: value}))

    assert [place for place, _ in found] == [option]


def test_every_command_of_a_service_is_among_these(services: Services) -> None:
    found = {
        f"{service}.{name}"
        for service in SERVICES
        for name, method in inspect.getmembers(type(getattr(services, service)), inspect.isfunction)
        if not name.startswith("_") and {"dry_run", "options"} & inspect.signature(method).parameters.keys()
    }
    assert found <= COMMANDS.keys()
    assert len(found) >= len(COMMANDS) - 1


@pytest.mark.parametrize("op", [name for name, kind in OPERATIONS.items() if "version" in kind.optional])
@pytest.mark.parametrize("value", WRONG["version"])
def test_an_operation_of_a_bulk_checks_its_version(
    op: str, value: Any, services: Services, make_task: Callable[..., Task]
) -> None:
    given = {"id": make_task().id, "blocker_id": make_task().id, "status": "todo", "priority": "low",
             "assignee_id": None, "first": True}  # fmt: skip
    names = (*OPERATIONS[op].required, *(["first"] if op == "rank" else []))
    operation = {"op": op, "version": value, **{name: given[name] for name in names}}

    def run() -> BulkResult:
        (result,) = services.bulk.run([operation], atomic=False, by=SYSTEM).results
        assert result.error is not None
        raise result.error

    assert [place for place, _ in mistakes(run)] == ["version"]


@pytest.mark.parametrize(
    ("options", "place"),
    [({"expect": True}, "expect"), ({"expect": "1"}, "expect"), ({"expect": 1, "atomic": "no"}, "atomic"),
     ({"expect": 1, "dry_run": 1}, "dry_run")],
)  # fmt: skip
def test_a_bulk_by_query_checks_its_options(
    options: dict[str, Any], place: str, services: Services, make_task: Callable[..., Task]
) -> None:
    make_task()

    found = mistakes(lambda: services.bulk.change_where(TaskQuery(), {"title": "x"}, by=SYSTEM, **options))

    assert found == [(place, "wrong_type")]


def test_a_comments_text_and_options_are_checked_together(
    services: Services, make_task: Callable[..., Task]
) -> None:
    def change() -> object:
        wrong: Any = "1"
        return services.comments.change(make_task().id, an_id(), text="", version=wrong, by=SYSTEM)

    assert mistakes(change) == [("text", "blank"), ("version", "wrong_type")]
