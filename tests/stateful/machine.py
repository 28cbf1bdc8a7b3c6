"""Performs random commands on the service and on the model, and compares all that can be seen."""

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
from taskmgr.domain.services.bulk import BulkRefused, Result
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.store import mongo_store
from tests.concurrency.ledger import assert_that_the_log_is_the_store
from tests.conftest import empty
from tests.factories import SYSTEM, Clock
from tests.stateful import strategies as drawn
from tests.stateful.book import Fields
from tests.stateful.model import Model, No
from tests.stateful.temptations import temptations

ROLES = {"admin": "admin", "manager": "manager", "ada": "member", "bertha": "member", "viewer": "viewer"}
ALL = PageRequest(limit=200)
UNKNOWN_ID = "f" * 24
_WRITTEN = ("tasks", "users", "comments", "activity", "locks")
_RELATED_USERS, _RELATED_TASKS = ("assignee_id",), ("id", "blocker_id", "parent_id")

Outcome = tuple[str, ...]
OK: Outcome = ("ok",)


def plain(entity: Any) -> Fields:
    """An entity as the model has it."""
    found = {field.name: _plain(getattr(entity, field.name)) for field in fields(entity)}
    if found.get("unblocked", []) is None:
        del found["unblocked"]
    elif "unblocked" in found:
        found["unblocked"].sort()
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, DueDate):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def of_error(error: DomainError) -> Outcome:
    codes = [reason.code for reason in error.reasons] if isinstance(error, Refused) else []
    return (type(error).__name__, *codes)


def really(perform: Callable[[], Any]) -> tuple[Outcome, Any]:
    """What became of a command of the service's."""
    try:
        return OK, perform()
    except DomainError as error:
        return of_error(error), error


def by_the_book(perform: Callable[[], Fields]) -> tuple[Outcome, Fields]:
    """What became of a command of the model's."""
    try:
        return OK, perform()
    except No as no:
        return (no.error, *no.codes), {}


class RuleBook(RuleBasedStateMachine):
    """`met` counts the errors and codes that came."""

    def __init__(self, database: Database[Any], policy: Policy, met: Counter[str]) -> None:
        super().__init__()
        self.database = database
        self.policy = policy
        self.met = met
        self.tried: Counter[str] = Counter()
        self.is_sound = True  # nothing has failed, of which a look at the log would only distract
        self.clock = Clock()
        self.services = build_services(mongo_store(database), policy=policy, clock=self.clock)
        self.model = Model(
            wip_limit=policy.wip_limit, urgent_limit=policy.urgent_limit, four_eyes=policy.four_eyes
        )
        empty(database)
        for name, role in ROLES.items():
            self._add_user({"username": name, "name": name.title(), "role": role}, by=drawn.SYSTEM)

    @initialize(shape=st.sampled_from(["busy", "few", "nested", "waiting", "busy", "nested"]))
    def begin(self, shape: str) -> None:
        """With few tasks; with as many levels as may be; with a row that waits; or with a busy Ada."""
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
        for given in worlds[shape]:
            self._task_command({"op": "create", "title": "Write", **given}, drawn.SYSTEM)
        if shape == "busy":
            self._change_user("bertha", {"active": False}, drawn.SYSTEM, None)

    # --- Rules

    @rule(given=drawn.commands, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def perform(self, given: Fields, by: str, dry_run: bool, hours: int) -> None:
        """Any command on tasks, by anybody."""
        self.clock.advance(hours=hours)
        if given["op"] == "create" and len(self.model.tasks) >= drawn.MOST_TASKS:
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
        kept = [o for o in operations if o["op"] != "create" or len(self.model.tasks) < drawn.MOST_TASKS]
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
        """The assignee, or else the creator."""
        self.clock.advance(hours=hours)
        given = self._temptation(which, place, force=force)
        task = self.model.tasks[given["id"]]
        user = self.model.users.get(task["assignee_id"] or task["created_by"])
        self._task_command(given, user["username"] if user else drawn.SYSTEM)

    @rule(place=drawn.known_tasks, who=drawn.members, reason=drawn.reasons, hours=drawn.hours)
    def take(self, place: int, who: str, reason: str | None, hours: int) -> None:
        self.clock.advance(hours=hours)
        self._task_command({"op": "assign", "id": place, "assignee_id": who, "reason": reason}, who)

    @rule(given=drawn.user_commands, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def perform_on_users(self, given: Fields, by: str, dry_run: bool, hours: int) -> None:
        """A new user, a change by anybody or by oneself, or an admin less."""
        self.clock.advance(hours=hours)
        command = dict(given)
        op, wanted = command.pop("op"), command.pop("fields")
        admins = self.model.active_admins()
        if op == "create":
            self._add_user(wanted, by=by, dry_run=dry_run)
        elif op == "change":
            self._change_user(command["user"], wanted, by, command["version"], dry_run=dry_run)
        elif op == "own":
            self._change_user(command["user"], wanted, command["user"], command["version"], dry_run=dry_run)
        elif admins:
            self._change_user(admins[command["place"] % len(admins)]["id"], wanted, drawn.SYSTEM, None)

    @rule(place=drawn.tasks, by=drawn.actors, dry_run=drawn.rarely, hours=drawn.hours)
    def comment(self, place: Any, by: str, dry_run: bool, hours: int) -> None:
        self.clock.advance(hours=hours)
        task_id = self._task_id(place)
        self._both(
            by,
            lambda actor: self.services.comments.create(task_id, text="Done.", by=actor, dry_run=dry_run),
            lambda model, by, key: model.comment(key, task_id, "Done.", by=by, now=self.clock()),
            dry_run=dry_run,
        )

    @rule(place=drawn.known_tasks, by=drawn.actors, then=drawn.actors, hours=drawn.hours)
    def ask_for_moves(self, place: int, by: str, then: str, hours: int) -> None:
        self.clock.advance(hours=hours)
        task = self.model.there(self._task_id(place))
        for actor in (self._actor(by), self._actor(then)):
            if task is None or actor is None:
                continue
            moves = self.services.tasks.transitions(task["id"], by=actor)
            found = {m.to: (m.allowed, list(m.requires), [r.code for r in m.reasons]) for m in moves}
            assert found == self.model.moves(task, actor.id, self.clock())

    def _temptation(self, which: int, place: int, *, force: bool = False) -> Fields:
        """One of a kind that has been tried least in this scenario."""
        kinds = {name: commands for name, commands in temptations(self.model).items() if commands}
        least = min(self.tried[name] for name in kinds)
        names = [name for name in kinds if self.tried[name] == least]
        name = names[which % len(names)]
        given = kinds[name][(place + self.tried.total()) % len(kinds[name])]
        self.tried[name] += 1
        beside = {"override": True, "reason": "It must be"} if force and given["op"] != "bin" else {}
        return given | beside

    # --- How a command is performed and judged

    def _task_id(self, place: Any) -> str:
        """Of a task by its place; an id stays what it is."""
        ids = list(self.model.tasks)
        if isinstance(place, int) and ids:
            return ids[place % len(ids)]
        return place if place in self.model.tasks else UNKNOWN_ID

    def _user_id(self, name: str) -> str:
        """Of a user by name; an id stays what it is."""
        if name in self.model.users:
            return name
        found = [user["id"] for user in self.model.users.values() if user["username"] == name]
        return found[0] if found else UNKNOWN_ID

    def _username(self, key: str) -> str:
        return self.model.users[key]["username"] if key in self.model.users else key

    def _actor(self, name: str) -> Actor | None:
        """Whoever has this name and may act: nobody who is deactivated."""
        if name == drawn.SYSTEM:
            return SYSTEM
        user = self.model.users.get(self._user_id(name))
        if user is None or not user["active"]:
            return None
        return Actor(id=user["id"], role=Role(user["role"]), user_id=user["id"])

    def _named(self, given: Fields) -> Fields:
        """The command with ids for places and names, and with a version for what is beside it."""
        found = dict(given)
        for name in given:
            if name in _RELATED_TASKS and given[name] is not None:
                found[name] = self._task_id(given[name])
            if name in _RELATED_USERS and given[name] is not None:
                found[name] = self._user_id(given[name])
        if given.get("blocked_by") is not None:
            found["blocked_by"] = list(dict.fromkeys(map(self._task_id, given["blocked_by"])))
        if given.get("version") is not None:
            there = self.model.tasks.get(found["id"], {"version": 1})
            found["version"] = max(1, there["version"] + given["version"])
        return {name: value for name, value in found.items() if name != "version" or value is not None}

    def _task_command(self, given: Fields, by: str, *, dry_run: bool = False) -> None:
        """`by` stands in the command itself where it matters who gives it."""
        command = self._named(given)
        by = self._username(command.pop("by", by))
        self._both(
            by,
            lambda actor: self._perform(command, actor, dry_run),
            lambda model, by, key: model.perform(command, by=by, now=self.clock(), new_id=key),
            dry_run=dry_run,
        )

    def _perform(self, command: Fields, by: Actor, dry_run: bool) -> Any:
        given, tasks = dict(command), self.services.tasks
        op, places = given.pop("op"), [given.pop(n) for n in ("id", "blocker_id") if n in given]
        if op == "change":
            beside = {n: given.pop(n) for n in ("reason", "version", "override") if n in given}
            return tasks.change(*places, given, by=by, dry_run=dry_run, **beside)
        method = {"status": "change_status", "priority": "change_priority"}.get(op, op)
        return getattr(tasks, method)(*places, by=by, dry_run=dry_run, **given)

    def _add_user(self, given: Fields, *, by: str, dry_run: bool = False) -> None:
        self._both(
            by,
            lambda actor: self.services.users.create(by=actor, dry_run=dry_run, **given),
            lambda model, by, key: model.create_user(key, given, by=by, now=self.clock()),
            dry_run=dry_run,
        )

    def _change_user(
        self, name: str, given: Fields, by: str, beside_version: int | None, *, dry_run: bool = False
    ) -> None:
        user_id = self._user_id(name)
        present = self.model.users.get(user_id, {"version": 1})["version"]
        version = None if beside_version is None else max(1, present + beside_version)
        beside = {"version": version}
        self._both(
            by,
            lambda actor: self.services.users.change(user_id, given, by=actor, dry_run=dry_run, **beside),
            lambda model, by, _: model.change_user(user_id, given, by=by, now=self.clock(), **beside),
            dry_run=dry_run,
        )

    def _both(
        self,
        name: str,
        service: Callable[[Actor], Any],
        model: Callable[[Model, str, str], Fields],
        *,
        dry_run: bool = False,
    ) -> None:
        """The same command in both, which must come to the same; what is dry leaves no trace."""
        self.is_sound = False
        self.clock.advance(seconds=1)
        actor = self._actor(name)
        if actor is None:
            self.is_sound = True
            return
        stored = self._stored() if dry_run else None
        status, answer = really(lambda: service(actor))
        book = self.model.copied() if dry_run else self.model
        key = answer.id if status == OK else "new"
        expected, told = by_the_book(lambda: model(book, actor.id, key))
        assert status == expected
        if status == OK:
            assert plain(answer) == told
        if stored is not None:
            assert self._stored() == stored
        self._count(status)
        self._compare()

    def _bulk(self, operations: list[Fields], name: str, *, atomic: bool) -> None:
        """Judged one by one, each on what those before it have left; if atomic, all or nothing."""
        self.is_sound = False
        self.clock.advance(seconds=1)
        actor = self._actor(name)
        if actor is None:
            self.is_sound = True
            return
        commands = [self._named(operation) for operation in operations]
        status, answer = really(lambda: self.services.bulk.run(commands, by=actor, atomic=atomic))
        book = self.model.copied()
        for command, result in zip(commands, answer.results, strict=True):
            self._compare_result(result, command, book, actor)
        failed = any(result.error is not None for result in answer.results)
        assert status == ((BulkRefused.__name__,) if atomic and failed else OK)
        if status == OK:
            self.model = book
        self._compare()

    def _compare_result(self, result: Result, command: Fields, book: Model, actor: Actor) -> None:
        key = result.task.id if result.task else "new"
        expected, told = by_the_book(lambda: book.perform(command, by=actor.id, now=self.clock(), new_id=key))
        assert (OK if result.error is None else of_error(result.error)) == expected
        if result.task is not None:
            assert plain(result.task) == told
        self._count(expected)

    def _count(self, status: Outcome) -> None:
        for word in status:
            self.met[word] += 1
        event(" ".join(status))

    # --- What can be seen

    def _compare(self) -> None:
        tasks = {str(row["_id"]): mappers.task(row) for row in self.database["tasks"].find()}
        assert {key: plain(task) for key, task in tasks.items()} == self.model.tasks
        self._compare_what_follows(tasks)
        users = self.services.users.list(ALL, by=SYSTEM).items
        assert {user.id: plain(user) for user in users} == self.model.users
        self.is_sound = True

    def _compare_what_follows(self, tasks: dict[str, Task]) -> None:
        derived = self.services.derived.of(list(tasks.values()), by=SYSTEM)
        for task_id, told in derived.items():
            effective = told.effective_priority
            assert {
                "overdue": told.overdue,
                "blocked": told.blocked,
                "blocks": sorted(told.blocks),
                "effective_priority": effective and effective.value.value,
            } == self.model.derived(self.model.tasks[task_id], self.clock())

    def _stored(self) -> dict[str, list[bytes]]:
        """Everything, byte for byte: counters of touches and locks too."""
        return {name: sorted(map(bson.encode, self.database[name].find())) for name in _WRITTEN}

    def teardown(self) -> None:
        """The log tells of every version who made it and why, and replayed it is what is stored."""
        if not self.is_sound:
            return
        told = [
            (str(entry["entity_id"]), entry["version"], entry["by"], entry["reason"], entry["override"])
            for entry in self.database["activity"].find()
        ]
        assert sorted(told, key=str) == sorted(self.model.log, key=str)
        comments = {str(row["_id"]) for row in self.database["comments"].find()}
        assert comments == self.model.comments.keys()
        assert_that_the_log_is_the_store(self.database, self.policy)
