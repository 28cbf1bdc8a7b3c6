"""Performs random commands on the service and on the model, and compares the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from typing import Any

import bson
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from pymongo.database import Database

from taskmgr.bootstrap import build_services
from taskmgr.domain.model.due_date import DueDate
from taskmgr.domain.model.errors import DomainError, Refused
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Role
from taskmgr.domain.queries.pages import PageRequest
from taskmgr.domain.services.bulk_results import BulkRefused, Result
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.mongo.unnumbered_tasks import ensure_default_project
from tests.concurrency.ledger import assert_that_the_log_is_the_store
from tests.conftest import empty
from tests.factories import SYSTEM, Clock
from tests.stateful import strategies as drawn
from tests.stateful.book import Fields
from tests.stateful.model import Model, Rejected
from tests.stateful.temptations import temptations

ROLES = {"admin": "admin", "manager": "manager", "ada": "member", "bertha": "member", "viewer": "viewer"}
ALL = PageRequest(limit=200)
UNKNOWN_ID = "f" * 24
_WRITTEN = ("projects", "tasks", "users", "comments", "activity", "locks")
_UNKNOWN_TO_THE_MODEL = {"rank"}  # tests/integration/test_orders_by_hand.py compares ranks with a list
_RELATED_USERS, _RELATED_TASKS = ("assignee_id",), ("id", "blocker_id", "parent_id")

Outcome = tuple[str, ...]
OK: Outcome = ("ok",)


def plain(entity: Any) -> Fields:
    """Returns an entity in the form of the model."""
    names = {field.name for field in fields(entity)} - _UNKNOWN_TO_THE_MODEL
    values = {name: _plain(getattr(entity, name)) for name in names}
    if values.get("unblocked", []) is None:
        del values["unblocked"]
    elif "unblocked" in values:
        values["unblocked"].sort()
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, DueDate):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def new_id(answer: Any) -> str:
    """Returns the id of the entity that the service has answered, or a placeholder without an answer."""
    return answer.id if answer else "new"


def new_names(task: Task | None) -> dict[str, Any]:
    """Returns the id and the key that the service has answered, which the model cannot predict."""
    return {"new_id": new_id(task), "new_key": task.key if task else None}


def of_error(error: DomainError) -> Outcome:
    """Returns the class name of an error, and the codes if it is a refusal."""
    codes = [reason.code for reason in error.reasons] if isinstance(error, Refused) else []
    return (type(error).__name__, *codes)


def run_service(perform: Callable[[], Any]) -> tuple[Outcome, Any]:
    """Performs a command on the service; returns its outcome, and the entity or the error."""
    try:
        return OK, perform()
    except DomainError as error:
        return of_error(error), error


def run_model(perform: Callable[[], Fields]) -> tuple[Outcome, Fields]:
    """Performs a command on the model; returns its outcome and the entity."""
    try:
        return OK, perform()
    except Rejected as error:
        return (error.error, *error.codes), {}


class RuleBook(RuleBasedStateMachine):
    """Compares the service with the model after every command. `met` counts the errors and codes."""

    def __init__(self, database: Database[Any], policy: Policy, met: Counter[str]) -> None:
        super().__init__()
        self.database = database
        self.policy = policy
        self.met = met
        self.tried: Counter[str] = Counter()
        self.is_sound = True  # False after a failure: then the log is not checked
        self.clock = Clock()
        self.services = build_services(mongo_store(database), policy=policy, clock=self.clock)
        self.model = Model(
            wip_limit=policy.wip_limit, urgent_limit=policy.urgent_limit, four_eyes=policy.four_eyes
        )
        empty(database)
        ensure_default_project(database)
        default = self.services.projects.default(by=SYSTEM)
        self.model.projects[default.key] = plain(default)
        self.model.log.append((default.id, 1, default.created_by, None, False))
        for name, role in ROLES.items():
            self._add_user({"username": name, "name": name.title(), "role": role}, by=drawn.SYSTEM)

    @initialize(shape=st.sampled_from(["busy", "few", "nested", "waiting", "busy", "nested"]))
    def begin(self, shape: str) -> None:
        """Starts with few tasks, the maximum number of levels, a chain of blockers, or a busy Ada."""
        busy = {"assignee_id": "ada", "status": "in_progress"}
        worlds: dict[str, list[Fields]] = {
            "few": [{}, {}, {}],
            "nested": [{}, *({"parent_id": above} for above in range(5)), {}],
            "waiting": [{}, *({"blocked_by": [before]} for before in range(3))],
            "busy": [
                {},
                {**busy, "priority": "urgent", "due_date": "2026-03-12"},
                {**busy, "parent_id": 0},
                {"assignee_id": "bertha", "blocked_by": [1], "parent_id": 1},
            ],
        }
        self._add_project("OPS", drawn.SYSTEM)
        for task_fields in worlds[shape]:
            self._task_command({"op": "create", "title": "Write", **task_fields}, drawn.SYSTEM)
        if shape == "busy":
            self._change_user("bertha", {"active": False}, drawn.SYSTEM, None)

    # --- Rules

    # Hypothesis draws the arguments of a rule in the order of their names: a new name changes all scenarios.
    @rule(given=drawn.commands, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def perform(self, given: Fields, by: str, dry_run: bool, hours: int) -> None:
        """Performs any command on a task by any actor."""
        self.clock.advance(hours=hours)
        if given["op"] == "create" and len(self.model.tasks) >= drawn.MAX_TASKS:
            return
        self._task_command(given, by, dry_run=dry_run)

    @rule(
        operations=st.lists(drawn.commands, min_size=2, max_size=4),
        by=drawn.actors,
        atomic=st.booleans(),
        hours=drawn.hours,
    )
    def perform_many(self, operations: list[Fields], by: str, atomic: bool, hours: int) -> None:
        self.clock.advance(hours=hours)
        kept = [o for o in operations if o["op"] != "create" or len(self.model.tasks) < drawn.MAX_TASKS]
        if kept:
            self._bulk(kept, by, atomic=atomic)

    @rule(which=drawn.numbers, place=drawn.numbers, by=drawn.able)
    def be_tempted(self, which: int, place: int, by: str) -> None:
        self._task_command(self._temptation(which, place), by)

    @rule(which=drawn.numbers, place=drawn.numbers, by=drawn.able, force=drawn.rarely, dry_run=drawn.rarely)
    def be_tempted_again(self, which: int, place: int, by: str, force: bool, dry_run: bool) -> None:
        self._task_command(self._temptation(which, place, force=force), by, dry_run=dry_run)

    @rule(which=drawn.numbers, place=drawn.numbers, force=drawn.rarely, hours=drawn.hours)
    def tempt_whom_it_concerns(self, which: int, place: int, force: bool, hours: int) -> None:
        """Performs a command that is close to a rule as the assignee, or else as the creator."""
        self.clock.advance(hours=hours)
        command = self._temptation(which, place, force=force)
        task = self.model.tasks[command["id"]]
        user = self.model.users.get(task["assignee_id"] or task["created_by"])
        self._task_command(command, user["username"] if user else drawn.SYSTEM)

    @rule(place=drawn.known_tasks, who=drawn.members, reason=drawn.reasons, hours=drawn.hours)
    def take(self, place: int, who: str, reason: str | None, hours: int) -> None:
        self.clock.advance(hours=hours)
        self._task_command({"op": "assign", "id": place, "assignee_id": who, "reason": reason}, who)

    @rule(given=drawn.user_commands, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def perform_on_users(self, given: Fields, by: str, dry_run: bool, hours: int) -> None:
        """Creates a user, changes one as any actor or as that user, or removes an admin."""
        self.clock.advance(hours=hours)
        command = dict(given)
        op, values = command.pop("op"), command.pop("fields")
        admins = self.model.active_admins()
        if op == "create":
            self._add_user(values, by=by, dry_run=dry_run)
        elif op == "change":
            self._change_user(command["user"], values, by, command["version"], dry_run=dry_run)
        elif op == "own":
            self._change_user(command["user"], values, command["user"], command["version"], dry_run=dry_run)
        elif admins:
            self._change_user(admins[command["place"] % len(admins)]["id"], values, drawn.SYSTEM, None)

    @rule(given=drawn.project_commands, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def perform_on_projects(self, given: Fields, by: str, dry_run: bool, hours: int) -> None:
        """Creates a project, or renames, archives or restores one, or makes it the default."""
        self.clock.advance(hours=hours)
        key, values = given["key"], given["fields"]
        if given["op"] == "create":
            self._add_project(key, by, dry_run=dry_run)
        else:
            self._change_project(key, values, by, given["version"], dry_run=dry_run)

    @rule(place=drawn.tasks, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def comment(self, place: Any, by: str, dry_run: bool, hours: int) -> None:
        self.clock.advance(hours=hours)
        task_id = self._task_id(place)
        self._both(
            by,
            lambda actor: self.services.comments.create(task_id, text="Done.", by=actor, dry_run=dry_run),
            lambda model, by, answer: model.comment(
                new_id(answer), task_id, "Done.", by=by, now=self.clock()
            ),
            dry_run=dry_run,
        )

    @rule(place=drawn.known_tasks, by=drawn.actors, then=drawn.actors, hours=drawn.hours)
    def ask_for_moves(self, place: int, by: str, then: str, hours: int) -> None:
        self.clock.advance(hours=hours)
        task = self.model.find_visible(self._task_id(place))
        for actor in (self._actor(by), self._actor(then)):
            if task is None or actor is None:
                continue
            moves = self.services.tasks.transitions(task["id"], by=actor)
            actual = {m.to: (m.allowed, list(m.requires), [r.code for r in m.reasons]) for m in moves}
            assert actual == self.model.moves(task, actor.id, self.clock())

    def _temptation(self, which: int, place: int, *, force: bool = False) -> Fields:
        """Returns a command of a kind that this scenario has tried least."""
        kinds = {name: commands for name, commands in temptations(self.model).items() if commands}
        fewest = min(self.tried[name] for name in kinds)
        names = [name for name in kinds if self.tried[name] == fewest]
        name = names[which % len(names)]
        command = kinds[name][(place + self.tried.total()) % len(kinds[name])]
        self.tried[name] += 1
        options = {"override": True, "reason": "It must be"} if force and command["op"] != "bin" else {}
        return command | options

    # --- Performing and comparing commands

    def _task_id(self, place: Any) -> str:
        """Returns the id of a task by its number; returns ids unchanged."""
        ids = list(self.model.tasks)
        if isinstance(place, int) and ids:
            return ids[place % len(ids)]
        return place if place in self.model.tasks else UNKNOWN_ID

    def _user_id(self, name: str) -> str:
        """Returns the id of a user by username; returns ids unchanged."""
        if name in self.model.users:
            return name
        ids = [user["id"] for user in self.model.users.values() if user["username"] == name]
        return ids[0] if ids else UNKNOWN_ID

    def _username(self, key: str) -> str:
        return self.model.users[key]["username"] if key in self.model.users else key

    def _actor(self, name: str) -> Actor | None:
        """Returns the actor with this name, or None if the user is unknown or deactivated."""
        if name == drawn.SYSTEM:
            return SYSTEM
        user = self.model.users.get(self._user_id(name))
        if user is None or not user["active"]:
            return None
        return Actor(id=user["id"], role=Role(user["role"]), user_id=user["id"])

    def _with_ids(self, operation: Fields) -> Fields:
        """Returns the command with ids instead of numbers and names, and an absolute version."""
        command = dict(operation)
        for name in operation:
            if name in _RELATED_TASKS and operation[name] is not None:
                command[name] = self._task_id(operation[name])
            if name in _RELATED_USERS and operation[name] is not None:
                command[name] = self._user_id(operation[name])
        if operation.get("blocked_by") is not None:
            command["blocked_by"] = list(dict.fromkeys(map(self._task_id, operation["blocked_by"])))
        if operation.get("version") is not None:
            task = self.model.tasks.get(command["id"], {"version": 1})
            command["version"] = max(1, task["version"] + operation["version"])
        return {name: value for name, value in command.items() if name != "version" or value is not None}

    def _task_command(self, operation: Fields, by: str, *, dry_run: bool = False) -> None:
        """Performs a command on a task; a `by` in the command takes precedence."""
        command = self._with_ids(operation)
        by = self._username(command.pop("by", by))
        self._both(
            by,
            lambda actor: self._perform(command, actor, dry_run),
            lambda model, by, answer: model.perform(command, by=by, now=self.clock(), **new_names(answer)),
            dry_run=dry_run,
        )

    def _perform(self, command: Fields, by: Actor, dry_run: bool) -> Any:
        arguments, tasks = dict(command), self.services.tasks
        op, places = arguments.pop("op"), [arguments.pop(n) for n in ("id", "blocker_id") if n in arguments]
        if op == "change":
            options = {n: arguments.pop(n) for n in ("reason", "version", "override") if n in arguments}
            return tasks.change(*places, arguments, by=by, dry_run=dry_run, **options)
        method = {"status": "change_status", "priority": "change_priority"}.get(op, op)
        return getattr(tasks, method)(*places, by=by, dry_run=dry_run, **arguments)

    def _add_user(self, values: Fields, *, by: str, dry_run: bool = False) -> None:
        self._both(
            by,
            lambda actor: self.services.users.create(by=actor, dry_run=dry_run, **values),
            lambda model, by, answer: model.create_user(new_id(answer), values, by=by, now=self.clock()),
            dry_run=dry_run,
        )

    def _change_user(
        self, name: str, values: Fields, by: str, version_offset: int | None, *, dry_run: bool = False
    ) -> None:
        user_id = self._user_id(name)
        present = self.model.users.get(user_id, {"version": 1})["version"]
        version = None if version_offset is None else max(1, present + version_offset)
        options = {"version": version}
        self._both(
            by,
            lambda actor: self.services.users.change(user_id, values, by=actor, dry_run=dry_run, **options),
            lambda model, by, _: model.change_user(
                user_id, values, by=by, now=self.clock(), dry_run=dry_run, **options
            ),
            dry_run=dry_run,
        )

    def _add_project(self, key: str, by: str, *, dry_run: bool = False) -> None:
        values = {"key": key, "name": key}
        self._both(
            by,
            lambda actor: self.services.projects.create(by=actor, dry_run=dry_run, **values),
            lambda model, by, answer: model.create_project(new_id(answer), values, by=by, now=self.clock()),
            dry_run=dry_run,
        )

    def _change_project(
        self, key: str, values: Any, by: str, version_offset: int | None, *, dry_run: bool
    ) -> None:
        present = self.model.projects.get(key, {"version": 1})["version"]
        version = None if version_offset is None else max(1, present + version_offset)
        options: Any = {"version": version}
        self._both(
            by,
            lambda actor: self.services.projects.change(key, values, by=actor, dry_run=dry_run, **options),
            lambda model, by, _: model.change_project(key, values, by=by, now=self.clock(), **options),
            dry_run=dry_run,
        )

    def _both(
        self,
        name: str,
        service: Callable[[Actor], Any],
        model: Callable[[Model, str, Any], Fields],
        *,
        dry_run: bool = False,
    ) -> None:
        """Performs a command on service and model, and compares them; a dry run must write nothing."""
        self.is_sound = False
        self.clock.advance(seconds=1)
        actor = self._actor(name)
        if actor is None:
            self.is_sound = True
            return
        stored = self._stored() if dry_run else None
        status, answer = run_service(lambda: service(actor))
        book = self.model.copied() if dry_run else self.model
        expected, entity = run_model(lambda: model(book, actor.id, answer if status == OK else None))
        assert status == expected
        if status == OK:
            assert plain(answer) == entity
        if stored is not None:
            assert self._stored() == stored
        self._count(status)
        self._compare()

    def _bulk(self, operations: list[Fields], name: str, *, atomic: bool) -> None:
        """Performs a bulk: operations see earlier ones, and an atomic bulk succeeds only as a whole."""
        self.is_sound = False
        self.clock.advance(seconds=1)
        actor = self._actor(name)
        if actor is None:
            self.is_sound = True
            return
        commands = [self._with_ids(operation) for operation in operations]
        status, answer = run_service(lambda: self.services.bulk.run(commands, by=actor, atomic=atomic))
        book = self.model.copied()
        for command, result in zip(commands, answer.results, strict=True):
            self._compare_result(result, command, book, actor)
        failed = any(result.error is not None for result in answer.results)
        assert status == ((BulkRefused.__name__,) if atomic and failed else OK)
        if status == OK:
            self.model = book
        self._compare()

    def _compare_result(self, result: Result, command: Fields, book: Model, actor: Actor) -> None:
        names = new_names(result.task)
        expected, entity = run_model(lambda: book.perform(command, by=actor.id, now=self.clock(), **names))
        assert (OK if result.error is None else of_error(result.error)) == expected
        if result.task is not None:
            assert plain(result.task) == entity
        self._count(expected)

    def _count(self, status: Outcome) -> None:
        for word in status:
            self.met[word] += 1
        event(" ".join(status))

    # --- Comparing the state

    def _compare(self) -> None:
        tasks = {str(row["_id"]): mappers.task(row) for row in self.database["tasks"].find()}
        assert {key: plain(task) for key, task in tasks.items()} == self.model.tasks
        self._compare_derived(tasks)
        projects = {project.key: plain(project) for project in self.services.projects.iterate(by=SYSTEM)}
        assert projects == self.model.projects
        users = self.services.users.list(ALL, by=SYSTEM).items
        assert {user.id: plain(user) for user in users} == self.model.users
        self.is_sound = True

    def _compare_derived(self, tasks: dict[str, Task]) -> None:
        derived = self.services.derived.of(list(tasks.values()), by=SYSTEM)
        for task_id, values in derived.items():
            effective = values.effective_priority
            assert {
                "overdue": values.overdue,
                "blocked": values.blocked,
                "blocks": sorted(values.blocks),
                "effective_priority": effective and effective.value.value,
            } == self.model.derived(self.model.tasks[task_id], self.clock())

    def _stored(self) -> dict[str, list[bytes]]:
        """Returns all documents as BSON, including locks and the counters of touches."""
        return {name: sorted(map(bson.encode, self.database[name].find())) for name in _WRITTEN}

    def teardown(self) -> None:
        """Asserts that the log has an entry per version, and that replaying it results in the store."""
        if not self.is_sound:
            return
        entries = [
            (str(entry["entity_id"]), entry["version"], entry["by"], entry["reason"], entry["override"])
            for entry in self.database["activity"].find()
        ]
        assert sorted(entries, key=str) == sorted(self.model.log, key=str)
        comments = {str(row["_id"]) for row in self.database["comments"].find()}
        assert comments == self.model.comments.keys()
        assert_that_the_log_is_the_store(self.database, self.policy)
