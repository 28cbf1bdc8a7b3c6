"""Runs a change of a task: loads it, asks the permissions and the rules, and records its next version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.commands import Options
from taskmgr.domain.model.errors import AlreadyAssigned, NotFound, NotPermitted
from taskmgr.domain.model.parsing import Parser
from taskmgr.domain.model.place import Place
from taskmgr.domain.model.project import NextKey, Project
from taskmgr.domain.model.task import Task, change_parsers
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.tasks.fields import parse_task_fields, require_existing
from taskmgr.domain.services.tasks.numbering import KeySource, PreviewKeys, run_with_key
from taskmgr.domain.services.tasks.questions import TaskQuestions
from taskmgr.domain.services.tasks.ranking import Ranked, Ranking
from taskmgr.domain.services.tasks.recording import TaskRecorder
from taskmgr.domain.services.versions import require_version


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskChanging(TaskQuestions):
    """What all commands that change fields of a task share."""

    recorder: TaskRecorder
    ranking: Ranking
    keys: KeySource

    def _change(
        self,
        task_id: str,
        find_changes: Callable[[Task], Mapping[str, Any]],
        references: Mapping[str, Any],
        by: Actor,
        options: Options,
    ) -> Task:
        """Changes a task by the fields that `find_changes` returns for its present state.

        The users and tasks in `references` must exist; that is judged before the task's own state.
        """
        parsed = parse_options(**options)
        override, version = parsed["override"], parsed["version"]

        def command(key: NextKey | None) -> Task:
            project = None if key is None else key.project
            before = self._get_to_change(task_id, references, project)
            now = time_of_change(self.clock, before)
            changes = find_changes(before)
            after = self._changed(before, changes, key, now)
            rights = permissions.rights_to_change(before, after, changes, actor=by, override=override)
            missing_right = permissions.first_missing_right(by, rights, before)
            anchor = require_existing(
                self.store, references, project=project, task=before, permitted=missing_right is None
            )
            self._raise_if_taken(before, after, by, version)
            if missing_right is not None:
                raise NotPermitted(missing_right)
            ranked = self._ranked(after, changes.get("rank"), anchor)
            step = Step(
                before=before, after=replace(after, rank=ranked.rank), policy=self.policy, by=by,
                reason=parsed["reason"], override=override, project=project,
            )  # fmt: skip
            task = self.recorder.change(step, now=now, version=version)
            self.ranking.settle(ranked)
            return task

        dry_run = parsed["dry_run"]
        if "project" not in references:
            return self._run(partial(command, None), dry_run=dry_run)
        keys = self._keys(Action.CHANGE_TASK, by, dry_run=dry_run)
        return run_with_key(keys, references["project"], command, partial(self._run, dry_run=dry_run))

    def _changed(self, task: Task, changes: Mapping[str, Any], key: NextKey | None, now: datetime) -> Task:
        """Returns the task with its changes; it gets the key if it moves to the key's project."""
        fields = {name: value for name, value in changes.items() if name not in ("project", "rank")}
        changed = task.changed(fields, now=now, workflow=self.policy.workflow)
        return changed if key is None or key.project.key == task.project else changed.moved_to(key)

    def _ranked(self, task: Task, place: Place | None, anchor: Task | None) -> Ranked:
        return Ranked(task.rank) if place is None else self.ranking.find(task, place.side, anchor)

    def _keys(self, action: Action, by: Actor, *, dry_run: bool) -> KeySource:
        """Returns where to take keys from; nothing is taken for a command that will write nothing."""
        if dry_run or not permissions.permits(by, action):
            return PreviewKeys(self.store.projects)
        return self.keys

    def _run(self, command: Callable[[], Task], *, dry_run: bool) -> Task:
        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def _parse(
        self, raw: Mapping[str, Any], by: Actor, known: Mapping[str, Parser] | None = None
    ) -> dict[str, Any]:
        return parse_task_fields(self.store, known or change_parsers(self.policy), raw, by=by)

    def _raise_if_taken(self, before: Task, after: Task, by: Actor, version: int | None) -> None:
        """Raises `AlreadyAssigned` if a user without the right to assign takes another user's task."""
        takes = require_actor(by).user_id is not None and after.assignee_id == by.user_id
        assignee = before.assignee_id
        if not takes or assignee in (None, by.user_id) or permissions.permits(by, Action.ASSIGN):
            return
        require_version(before, version)
        raise AlreadyAssigned(assignee, self.store.users.get(assignee).username)

    def _get_to_change(self, task_id: str, references: Mapping[str, Any], project: Project | None) -> Task:
        """Returns the task. Raises `Invalid` for unknown references even if the task does not exist."""
        try:
            return self.store.tasks.get(task_id)
        except NotFound:
            require_existing(self.store, references, project=project)
            raise


def parse_options(
    *,
    reason: str | None = None,
    override: bool = False,
    version: int | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Returns all options of a command. Raises `Invalid` with every mistake."""
    return values.parse_options(reason=reason, version=version, override=override, dry_run=dry_run)
