"""What can be done with tasks: every command loads, asks the rule_book, and records.

Commands take `by` (who acts), and all that change something also take `dry_run`: the same code in
the same transaction, answered and rolled back. They raise, in this order of judgement: `Invalid`,
`NotFound`, `NotPermitted`, `Stale`, and `AlreadyAssigned` or `Refused` with every reason at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Unpack

from taskmgr.domain.history.changes import kind_of_task_change
from taskmgr.domain.history.differences import difference
from taskmgr.domain.model import values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewTask, Options, TaskChanges
from taskmgr.domain.model.errors import (
    AlreadyAssigned,
    Invalid,
    NotFound,
    NotPermitted,
    Refusal,
    Stale,
    required,
)
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task, new_task, parsers
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.model.values import BadValue
from taskmgr.domain.model.workflow import OPEN, Category
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import MAX_LIMIT, Page, PageRequest
from taskmgr.domain.queries.task_query import QueryContext, TaskQuery
from taskmgr.domain.queries.validation import validated
from taskmgr.domain.rules import permissions, rule_book
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.tasks.facts import FactFinder, require_there, touch_ahead, unresolved

REQUIRED = ("title",)
ME = "me"  # as an assignee: the acting user
_MOST_UNBLOCKED = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """Whether a task may move to a status, and if not why; `requires` is what must be given along."""

    to: str
    category: Category
    allowed: bool
    requires: tuple[str, ...]
    reasons: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class TaskService:
    """Tasks, under a policy, in a store."""

    store: Store
    policy: Policy
    journal: Journal
    clock: Clock
    new_id: NewId

    # --- questions

    def get(self, task_id: str, *, by: Actor) -> Task:
        """One task outside the bin. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return self.store.tasks.get(task_id)

    def get_record(self, task_id: str, *, by: Actor) -> TaskRecord:
        """What `get` answers, in the form in which it goes over the wire."""
        permissions.require(by, Action.READ)
        return self.store.tasks.get_record(task_id, self.policy.workflow)

    def list(
        self, query: TaskQuery = TaskQuery(), page_request: PageRequest = PageRequest(), *, by: Actor
    ) -> Page[Task]:
        """A page of the tasks that match. Raises `Invalid` for a query of what there cannot be."""
        permissions.require(by, Action.READ)
        query = validated(query, self.policy)
        return self.store.tasks.find(query, page_request, QueryContext(self.clock(), self.policy))

    def list_records(self, query: TaskQuery, page_request: PageRequest, *, by: Actor) -> Page[TaskRecord]:
        """What `list` answers, in the form in which it goes over the wire."""
        permissions.require(by, Action.READ)
        return self.store.tasks.find_records(query, page_request, QueryContext(self.clock(), self.policy))

    def iterate(self, query: TaskQuery = TaskQuery(), *, by: Actor) -> Iterator[Task]:
        """All tasks that match, page by page behind the scenes."""
        page_request = PageRequest(limit=MAX_LIMIT)
        while True:
            page = self.list(query, page_request, by=by)
            yield from page.items
            if page.next is None:
                return
            page_request = replace(page_request, after=page.next)

    def category(self, task: Task) -> Category | None:
        """Returns the category that the policy gives the task's status; None if it lacks the status."""
        return self.policy.workflow.category(task.status)

    def transitions(self, task_id: str, *, by: Actor) -> Sequence[Transition]:
        """Every status of the workflow, and what stands against this actor moving the task there."""
        task = self.get(task_id, by=by)
        return [self._transition(task, status, by) for status in self.policy.workflow.statuses]

    def _transition(self, task: Task, status: str, by: Actor) -> Transition:
        now = self.clock()
        after = task.moved(status, now=now, workflow=self.policy.workflow)
        step = Step(before=task, after=after, policy=self.policy, by=by)
        reasons: tuple[Refusal, ...] = ()
        if after is not task:
            facts = FactFinder(self.store, self.policy).for_step(step)
            reasons = rule_book.find_refusals(step, facts)
        asked = tuple("reason" for refusal in reasons if refusal.code == "reason_required")
        standing = tuple(refusal for refusal in reasons if refusal.code != "reason_required")
        lack = permissions.missing_right(by, Action.CHANGE_TASK, task)
        if lack is not None:
            standing = (Refusal(code="not_permitted", detail=lack),)
        return Transition(
            to=status,
            category=self.policy.workflow.categories[status],
            allowed=not standing,
            requires=asked,
            reasons=standing,
        )

    # --- commands

    def create(
        self,
        *,
        by: Actor,
        reason: str | None = None,
        override: bool = False,
        dry_run: bool = False,
        **given: Unpack[NewTask],
    ) -> Task:
        """A new task: `title`, and any other changeable field; None is the same as left out.

        In another status than the initial one it is judged as a move from there.
        """
        wanted = {name: value for name, value in given.items() if value is not None}
        fields = self._checked(wanted, by)
        missing = [name for name in REQUIRED if name not in fields]
        if missing:
            raise Invalid([required(name) for name in missing])
        reason = values.parse_options(reason=reason, override=override, dry_run=dry_run)["reason"]
        task_id = self.new_id()

        def command() -> Task:
            now = self.clock()
            start = new_task(task_id, fields, by=require_actor(by).id, now=now, policy=self.policy)
            workflow = self.policy.workflow
            task = start.moved(fields.get("status", start.status), now=now, workflow=workflow)
            needed = permissions.rights_to_create(task, actor=by, override=override)
            lack = permissions.first_missing_right(by, needed, task)
            require_there(self.store, fields, permitted=lack is None)
            if lack is not None:
                raise NotPermitted(lack)
            step = Step(
                before=start, after=task, policy=self.policy, by=by, reason=reason,
                override=override, created=True,
            )  # fmt: skip
            lifted = self._judge(step)
            self.store.tasks.add(task)
            self.journal.record("task.created", None, task, by=by, reason=reason, override=lifted)
            return task

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def change(
        self,
        task_id: str,
        changes: TaskChanges,
        *,
        by: Actor,
        reason: str | None = None,
        override: bool = False,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Task:
        """Any of the changeable fields in one command: one judgement, one version, one log entry.

        The rules judge the resulting state, as if the task were first reopened, then assigned,
        dated and prioritised, then moved. `version` is the version that the caller has seen. A
        change to what already is changes nothing and logs nothing.
        """
        fields = self._checked(changes, by)
        return self._change(task_id, lambda _: fields, named=fields, by=by, reason=reason,
                            override=override, version=version, dry_run=dry_run)  # fmt: skip

    def block(self, task_id: str, blocker_id: str, *, by: Actor, **beside: Unpack[Options]) -> Task:
        """Makes a task wait for another. Raises `NotFound` for either."""

        def more(task: Task) -> Mapping[str, Any]:
            if blocker_id not in (*task.blocked_by, task.id):
                self.store.tasks.get(blocker_id)
            ids = dict.fromkeys((*task.blocked_by, blocker_id))
            return self._checked({"blocked_by": tuple(ids)}, by)

        return self._change(task_id, more, by=by, **beside)

    def unblock(self, task_id: str, blocker_id: str, *, by: Actor, **beside: Unpack[Options]) -> Task:
        """Makes a task wait for another no longer, whatever has become of that one."""

        def fewer(task: Task) -> Mapping[str, Any]:
            if not values.is_identifier(blocker_id):
                raise NotFound("task", blocker_id)
            return {"blocked_by": tuple(b for b in task.blocked_by if b != blocker_id)}

        return self._change(task_id, fewer, by=by, **beside)

    def _change(
        self,
        task_id: str,
        changes: Callable[[Task], Mapping[str, Any]],
        *,
        by: Actor,
        named: Mapping[str, Any] = MappingProxyType({}),
        reason: str | None = None,
        override: bool = False,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Task:
        """`changes` answers, for the task as it is, what it shall have.

        What the fields in `named` refer to must be there, which is judged before the task itself.
        """
        beside = values.parse_options(reason=reason, version=version, override=override, dry_run=dry_run)

        def command() -> Task:
            before = self._before(task_id, named)
            now = time_of_change(self.clock, before)
            fields = changes(before)
            after = before.changed(fields, now=now, workflow=self.policy.workflow)
            needed = permissions.rights_to_change(before, after, fields, actor=by, override=override)
            lack = permissions.first_missing_right(by, needed, before)
            require_there(self.store, named, task=before, permitted=lack is None)
            self._require_free(before, after, by, beside["version"])
            if lack is not None:
                raise NotPermitted(lack)
            step = Step(
                before=before, after=after, policy=self.policy, by=by, reason=beside["reason"],
                override=override,
            )  # fmt: skip
            return self._perform(step, now=now, version=beside["version"])

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def change_status(self, task_id: str, *, status: str, by: Actor, **beside: Unpack[Options]) -> Task:
        """Moves a task; a completing move answers with the ids it `unblocked`."""
        return self.change(task_id, {"status": status}, by=by, **beside)

    def change_priority(self, task_id: str, *, priority: str, by: Actor, **beside: Unpack[Options]) -> Task:
        """Gives a task another priority, by name."""
        return self.change(task_id, {"priority": priority}, by=by, **beside)

    def assign(self, task_id: str, *, assignee_id: str | None, by: Actor, **beside: Unpack[Options]) -> Task:
        """Assigns a task to a user, by id, username or `me` (the acting user), or with None to nobody."""
        return self.change(task_id, {"assignee_id": assignee_id}, by=by, **beside)

    def bin(self, task_id: str, *, by: Actor, version: int | None = None, dry_run: bool = False) -> Task:
        """Puts a task into the bin: out of every list, blocking nobody, until it is restored."""
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> Task:
            before = self.store.tasks.get(task_id)
            now = time_of_change(self.clock, before)
            permissions.require(by, Action.CHANGE_TASK, before)
            step = Step(before=before, after=replace(before, deleted_at=now), policy=self.policy, by=by)
            return self._perform(step, now=now, version=version, kind="task.binned")

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def restore(
        self,
        task_id: str,
        *,
        by: Actor,
        reason: str | None = None,
        override: bool = False,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Task:
        """Takes a task out of the bin, as it was; limits, parent and cycles are judged again.

        A task that is not in the bin stays as it is.
        """
        beside = values.parse_options(reason=reason, version=version, override=override, dry_run=dry_run)

        def command() -> Task:
            before = self._in_the_bin_or_not(task_id)
            now = time_of_change(self.clock, before)
            permissions.require(by, Action.CHANGE_TASK, before)
            if override:
                permissions.require(by, Action.OVERRIDE, before)
            step = Step(
                before=before, after=replace(before, deleted_at=None), policy=self.policy, by=by,
                reason=beside["reason"], override=override,
            )  # fmt: skip
            return self._perform(step, now=now, version=beside["version"], kind="task.restored")

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    # --- what the commands have in common

    def _in_the_bin_or_not(self, task_id: str) -> Task:
        try:
            return self.store.tasks.get(task_id, binned=True)
        except NotFound:
            return self.store.tasks.get(task_id)

    def _perform(self, step: Step, *, now: datetime, version: int | None, kind: str | None = None) -> Task:
        """Judges the step and records it: the only place where a stored task is written."""
        _require_version(step.before, version)
        _, changed = difference(step.before, step.after)
        if not changed:
            return step.before
        lifted = self._judge(step)
        task = step.after.next_version(now=now)
        self.store.tasks.replace(task)
        self.journal.record(
            kind or kind_of_task_change(changed), step.before, task,
            by=step.by, reason=step.reason, override=lifted,
        )  # fmt: skip
        return replace(task, unblocked=self._unblocked(task)) if step.completes else task

    def _judge(self, step: Step) -> bool:
        """Raises `Refused`, or touches what was read for the judgement; the caller writes next."""
        if step.needs_active_assignee and step.after.assignee_id is not None:
            touch_ahead(self.store, step.after.assignee_id)
        finder = FactFinder(self.store, self.policy)
        lifted = rule_book.raise_unless_overridden(
            rule_book.find_refusals(step, finder.for_step(step)), override=step.override
        )
        finder.touch()
        return lifted

    def _unblocked(self, task: Task) -> tuple[str, ...]:
        """The open tasks that waited for this one and now wait for nothing."""
        statuses = self.policy.workflow.in_category(*OPEN)
        query = TaskQuery(blocked_by=(task.id,), statuses=statuses)
        waiting = self.store.tasks.get_many(self.store.tasks.find_ids(query, limit=_MOST_UNBLOCKED))
        blockers = self.store.tasks.get_many({b for w in waiting.values() for b in w.blocked_by})
        return tuple(w.id for w in waiting.values() if not unresolved(w.blocked_by, blockers, self.policy))

    def _before(self, task_id: str, named: Mapping[str, Any]) -> Task:
        """Returns the task; where it is not there, what is `named` for it is judged first."""
        try:
            return self.store.tasks.get(task_id)
        except NotFound:
            require_there(self.store, named)
            raise

    def _require_free(self, before: Task, after: Task, by: Actor, version: int | None) -> None:
        """Who takes a task that another has learns so, before anything is said of rights."""
        taking = require_actor(by).user_id is not None and after.assignee_id == by.user_id
        holder = before.assignee_id
        if taking and holder not in (None, by.user_id) and not permissions.permits(by, Action.ASSIGN):
            _require_version(before, version)
            raise AlreadyAssigned(str(holder))

    def _checked(self, given: Mapping[str, Any], by: Actor) -> dict[str, Any]:
        """The given fields as they will be kept. Raises `Invalid` with all mistakes at once."""
        known = parsers(self.policy)
        if given.get("assignee_id") is not None:
            known = {**known, "assignee_id": lambda value: self._user_id(value, by)}
        return values.parse_fields(given, known)

    def _user_id(self, value: object, by: Actor) -> str:
        """Returns the id of the user whom an id, a username or `me` stands for."""
        key = values.user_key(value)
        if key == ME:
            return _own_id(by)
        if values.is_identifier(key):
            return key
        found = self.store.users.ids_by_username([key])
        if key not in found:
            raise BadValue("unknown_user", f"There is no user {key}.")
        return found[key]


def _own_id(by: Actor) -> str:
    """Whom `me` stands for."""
    own = require_actor(by).user_id
    if own is None:
        raise BadValue("not_allowed", f"`{ME}` is the acting user, and {by.id} is none: give a user's id.")
    return own


def _require_version(task: Task, version: int | None) -> None:
    if version is not None and version != task.version:
        raise Stale(task, expected=version)
