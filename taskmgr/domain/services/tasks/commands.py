"""Changes tasks: every command loads, asks the permissions and the rules, and records.

Commands raise, in this order: `Invalid`, `NotFound`, `NotPermitted`, `Stale`, and last `AlreadyAssigned`
or `Refused` with every refusal at once. There is one exception: a user without the right to assign who takes
a task that another user has gets `Stale` or `AlreadyAssigned` before `NotPermitted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Unpack, cast

from taskmgr.domain.model import values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import NewTask, Options, Rank, TaskChanges
from taskmgr.domain.model.errors import Invalid, NotFound, NotPermitted, Unavailable, required
from taskmgr.domain.model.project import NextKey
from taskmgr.domain.model.task import Task, new_task, parsers
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.ports.commands import NewId
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.tasks.changing import TaskChanging, parse_options
from taskmgr.domain.services.tasks.fields import find_task_id, require_existing
from taskmgr.domain.services.tasks.numbering import run_with_key

_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskService(TaskChanging):
    """Answers questions about tasks and changes them.

    Every command takes the actor as `by`. With `dry_run` it runs in full, returns its result and is rolled
    back.
    """

    new_id: NewId

    def create(
        self,
        *,
        by: Actor,
        reason: str | None = None,
        override: bool = False,
        dry_run: bool = False,
        **raw: Unpack[NewTask],
    ) -> Task:
        """Creates a task and returns it. A field that is None is left at its default.

        A status other than the initial one is judged as a move from there.
        """
        given = {name: value for name, value in raw.items() if value is not None}
        fields = self._parse(given, by, parsers(self.policy))
        if "title" not in fields:
            raise Invalid([required("title")])
        reason = values.parse_options(reason=reason, override=override, dry_run=dry_run)["reason"]
        task_id, project = self.new_id(), fields.get("project")

        def command(key: NextKey | None) -> Task:
            if key is None:
                require_existing(self.store, fields)
                raise Unavailable("There is no default project: run `taskmgr db migrate`.")
            now = self.clock()
            start = new_task(task_id, fields, key=key, by=require_actor(by).id, now=now, policy=self.policy)
            task = start.moved(fields.get("status", start.status), now=now, workflow=self.policy.workflow)
            rights = permissions.rights_to_create(task, actor=by, override=override)
            missing_right = permissions.first_missing_right(by, rights, task)
            require_existing(self.store, fields, project=key.project, permitted=missing_right is None)
            if missing_right is not None:
                raise NotPermitted(missing_right)
            step = Step(
                before=start, after=task, policy=self.policy, by=by, reason=reason,
                override=override, created=True, project=key.project,
            )  # fmt: skip
            return self.recorder.create(step)

        keys = self._keys(Action.CREATE_TASK, by, dry_run=dry_run)
        return run_with_key(keys, project, command, partial(self._run, dry_run=dry_run))

    def change(self, task_id: str, changes: TaskChanges, *, by: Actor, **options: Unpack[Options]) -> Task:
        """Changes any fields of a task in one command: one judgement, one version, one log entry.

        The rules judge the resulting state, as if the task were first reopened, then assigned, dated and
        prioritised, then moved. Changes that make no difference write nothing. A `rank` is a place in the
        order by hand, next to a task of the project that the task has after the change.
        """
        fields = self._parse(changes, by)
        return self._change(task_id, lambda _: fields, fields, by, options)

    def change_status(self, task_id: str, *, status: str, by: Actor, **options: Unpack[Options]) -> Task:
        """Moves a task to another status. A task that this completes is returned with `unblocked`."""
        return self.change(task_id, {"status": status}, by=by, **options)

    def change_priority(self, task_id: str, *, priority: str, by: Actor, **options: Unpack[Options]) -> Task:
        """Changes a task's priority."""
        return self.change(task_id, {"priority": priority}, by=by, **options)

    def assign(self, task_id: str, *, assignee_id: str | None, by: Actor, **options: Unpack[Options]) -> Task:
        """Assigns a task to a user, by id, username or `me` (the acting user); None unassigns it."""
        return self.change(task_id, {"assignee_id": assignee_id}, by=by, **options)

    def rank(
        self,
        task_id: str,
        *,
        by: Actor,
        before: str | None = None,
        after: str | None = None,
        first: Literal[True] | None = None,
        last: Literal[True] | None = None,
        **options: Unpack[Options],
    ) -> Task:
        """Moves a task in the order by hand of its project; exactly one place must be given.

        `before` and `after` are the id or the key of the task that it will be next to.
        """
        given = {"before": before, "after": after, "first": first, "last": last}
        place = {side: value for side, value in given.items() if value is not None}
        try:
            return self.change(task_id, {"rank": cast("Rank", place)}, by=by, **options)
        except Invalid as invalid:
            raise Invalid([error.without("rank") for error in invalid.errors]) from invalid

    def block(self, task_id: str, blocker_id: str, *, by: Actor, **options: Unpack[Options]) -> Task:
        """Makes a task wait for another. Raises `NotFound` for either."""

        def add_blocker(task: Task) -> Mapping[str, Any]:
            known = find_task_id(self.store, blocker_id)
            if known not in (*task.blocked_by, task.id):
                self.store.tasks.get(known)
            return self._parse({"blocked_by": tuple(dict.fromkeys((*task.blocked_by, known)))}, by)

        return self._change(task_id, add_blocker, _NO_FIELDS, by, options)

    def unblock(self, task_id: str, blocker_id: str, *, by: Actor, **options: Unpack[Options]) -> Task:
        """Makes a task no longer wait for another, which may be in the bin."""

        def remove_blocker(task: Task) -> Mapping[str, Any]:
            removed = find_task_id(self.store, blocker_id)
            if not values.is_identifier(removed):
                raise NotFound("task", blocker_id)
            return {"blocked_by": tuple(b for b in task.blocked_by if b != removed)}

        return self._change(task_id, remove_blocker, _NO_FIELDS, by, options)

    def bin(self, task_id: str, *, by: Actor, version: int | None = None, dry_run: bool = False) -> Task:
        """Puts a task into the bin. Until it is restored, it is in no list and blocks no task."""
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> Task:
            before = self.store.tasks.get(task_id)
            now = time_of_change(self.clock, before)
            permissions.require(by, Action.CHANGE_TASK, before)
            step = Step(before=before, after=replace(before, deleted_at=now), policy=self.policy, by=by)
            return self.recorder.change(step, now=now, version=version, kind="task.binned")

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def restore(self, task_id: str, *, by: Actor, **options: Unpack[Options]) -> Task:
        """Takes a task out of the bin as it was. Limits, parent and cycles are judged again.

        A task outside the bin is returned unchanged.
        """
        parsed = parse_options(**options)

        def command() -> Task:
            before = self._get_binned_or_not(task_id)
            now = time_of_change(self.clock, before)
            permissions.require(by, Action.CHANGE_TASK, before)
            if parsed["override"]:
                permissions.require(by, Action.OVERRIDE, before)
            step = Step(
                before=before, after=replace(before, deleted_at=None), policy=self.policy, by=by,
                reason=parsed["reason"], override=parsed["override"],
            )  # fmt: skip
            return self.recorder.change(step, now=now, version=parsed["version"], kind="task.restored")

        return self.store.unit_of_work.run(command, dry_run=parsed["dry_run"])

    def _get_binned_or_not(self, task_id: str) -> Task:
        try:
            return self.store.tasks.get(task_id, binned=True)
        except NotFound:
            return self.store.tasks.get(task_id)
