"""Reads what the rules need to know about a step, and touches what it has read.

Snapshot isolation alone lets two transactions both count four of five started tasks and both start a
fifth. So whatever a rule reads beyond the task itself is touched in the same transaction: of two commands
that conflict, one runs again and reads what the other wrote.

A touch is a write. It is made only after the rules have allowed the step, so a refused command writes
nothing and delays no other. This is as safe as touching first: a transaction reads from one snapshot, and
touching a document that has been written since that snapshot conflicts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.project import Project
from taskmgr.domain.model.task import Task, TaskName
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import OPEN, Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.relation_rules import MAX_SUBTASK_LEVELS
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.tasks.relations import RingSearch, search_ring

# A refusal names at most this many tasks, or as many as a limit of the policy if that is higher.
MAX_NAMED = 20
_OLDEST_FIRST = (Sort("created_at"),)
_Categories = tuple[Category, ...] | None


@dataclass(slots=True)
class _Sources:
    """The users and tasks that facts were read from."""

    user_ids: set[str] = field(default_factory=set)
    task_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class FactFinder:
    """Finds the facts of one step, and remembers the users and tasks that they were read from."""

    store: Store
    policy: Policy
    _sources: _Sources = field(default_factory=_Sources)

    def touch_sources(self) -> None:
        """Touches everything that the facts were read from. Call it after the rules have allowed the step.

        A dry run touches nothing: its result is rolled back, so its snapshot is enough.
        """
        if self.store.unit_of_work.is_dry_run:
            return
        for user_id in self._sources.user_ids:
            self.store.users.touch(user_id)
        if self._sources.task_ids:
            self.store.tasks.touch(self._sources.task_ids)

    def find(self, step: Step) -> Facts:
        """Returns the facts that a rule needs for this step; the others are left at their defaults."""
        parent, binned_parent = self._find_parent(step)
        started, urgent = self._find_limited(step)
        relations = self._search_ring(step)
        return Facts(
            project=step.project or self._find_project(step),
            assignee=self._find_assignee(step),
            was_assignee=self._was_assignee(step),
            parent=parent,
            binned_parent=binned_parent,
            unresolved_blockers=self._find_unresolved_blockers(step),
            open_subtasks=self._find_subtasks(step.after, OPEN) if step.completes else (),
            subtasks=self._find_subtasks(step.after, None) if step.binned else (),
            started=started,
            urgent=urgent,
            cycle=self._find_ring(step, relations.ring),
            chain_too_long=relations.too_long,
            levels=self._count_levels(step),
        )

    def _find_project(self, step: Step) -> Project | None:
        """Reads the project without touching it: archiving does not wait for commands that have begun."""
        return self.store.projects.get_many([step.after.project]).get(step.after.project)

    def _find_assignee(self, step: Step) -> User | None:
        if step.after.assignee_id is None or not step.needs_active_assignee:
            return None
        self._sources.user_ids.add(step.after.assignee_id)
        return self.store.users.get(step.after.assignee_id)

    def _was_assignee(self, step: Step) -> bool:
        """Reads the log. A task's log grows only with the task itself, so nothing has to be touched."""
        actor = step.by.user_id
        if not (self.policy.four_eyes and step.completes and actor) or step.created:
            return False
        completed = self.policy.workflow.in_category(Category.COMPLETED)
        return self.store.activity.was_assignee(step.before.id, actor, since_in=completed)

    def _find_parent(self, step: Step) -> tuple[Task | None, TaskName | None]:
        """Returns the parent, or its name if it is in the bin and the step restores its subtask."""
        parent_id = step.after.parent_id
        is_new = step.appears or parent_id != step.before.parent_id
        if parent_id is None or not (step.needs_open_parent or is_new):
            return None, None
        parent = self.store.tasks.get_many([parent_id]).get(parent_id)
        if parent is not None:
            self._sources.task_ids.add(parent_id)
        if parent is None and step.restored:
            return None, self._find_names_of([parent_id])[0]
        return parent, None

    def _find_unresolved_blockers(self, step: Step) -> tuple[TaskName, ...]:
        if not (step.starts or step.completes) or not step.after.blocked_by:
            return ()
        blockers = self.store.tasks.get_many(step.after.blocked_by)
        self._sources.task_ids.update(blockers)
        unresolved = find_unresolved(step.after.blocked_by, blockers, self.policy)
        return tuple(blockers[blocker_id].name for blocker_id in unresolved)

    def _find_limited(self, step: Step) -> tuple[tuple[TaskName, ...], tuple[TaskName, ...]]:
        """Returns the assignee's other started tasks and other open urgent tasks, each if a limit applies."""
        policy = self.policy
        counts_started = policy.wip_limit and step.counts_as_started
        counts_urgent = policy.urgent_limit and step.counts_as_urgent
        assignee = step.after.assignee_id
        if assignee is None or not (counts_started or counts_urgent):
            return (), ()
        self._sources.user_ids.add(assignee)
        others: dict[str, Any] = {"assignee_ids": (assignee,), "except_id": step.after.id}
        return (
            self._find_names((Category.STARTED,), others) if counts_started else (),
            self._find_names(OPEN, others | {"priorities": (Priority.URGENT,)}) if counts_urgent else (),
        )

    def _find_subtasks(self, task: Task, categories: _Categories) -> tuple[TaskName, ...]:
        return self._find_names(categories, {"parent_ids": (task.id,)})

    def _find_names(self, categories: _Categories, filters: dict[str, Any]) -> tuple[TaskName, ...]:
        """Returns the names of the oldest tasks in these categories; None means any status, known or not."""
        statuses = None if categories is None else self.policy.workflow.in_category(*categories)
        query = TaskQuery(statuses=statuses, sort=_OLDEST_FIRST, **filters)
        limit = max(MAX_NAMED, self.policy.wip_limit, self.policy.urgent_limit)
        return self.store.tasks.find_names(query, limit=limit)

    def _find_ring(self, step: Step, ring: tuple[str, ...]) -> tuple[TaskName, ...]:
        """Returns the names of the tasks of a ring; a task that is being created has no key that it keeps."""
        new = TaskName(step.after.id, "the new task", step.after.title)
        return tuple(
            new if step.created and name.id == new.id else name for name in self._find_names_of(ring)
        )

    def _find_names_of(self, task_ids: Sequence[str]) -> tuple[TaskName, ...]:
        """Returns the names of these tasks in the same order."""
        names = self.store.tasks.names(set(task_ids)) if task_ids else {}
        return tuple(names.get(task_id, TaskName(task_id, None, "not stored")) for task_id in task_ids)

    def _search_ring(self, step: Step) -> RingSearch:
        """Looks for a ring that the step's new relations would close."""
        if not step.adds_edges:
            return RingSearch()
        result = search_ring(self.store.tasks, step)
        self._sources.task_ids.update(result.sources)
        return result

    def _count_levels(self, step: Step) -> int:
        """Returns how many levels of subtasks there would be from the root to the task's deepest subtask.

        All ancestors are touched. If two commands lengthen one line of ancestors at two places, the command
        on the lower task touches the task that the other command moves.
        """
        ancestor, above, below = step.new_parent_id, 0, 0
        if ancestor is None:
            return 0
        while ancestor is not None and ancestor != step.after.id and above <= MAX_SUBTASK_LEVELS:
            above += 1
            self._sources.task_ids.add(ancestor)
            parent = self.store.tasks.get_many([ancestor]).get(ancestor)
            ancestor = parent.parent_id if parent else None
        generation: Collection[str] = () if step.created else (step.after.id,)
        while generation and above + below <= MAX_SUBTASK_LEVELS:
            subtasks = self.store.tasks.parents_of_subtasks(generation)
            generation = [child for child in subtasks if child != step.after.id]
            below += bool(generation)
        return above + below


def find_unresolved(
    blocker_ids: Collection[str], tasks: Mapping[str, Task], policy: Policy
) -> tuple[str, ...]:
    """Returns the blockers that are neither completed nor in the bin; a cancelled blocker is unresolved.

    `tasks` are the blockers outside the bin, by id.
    """
    return tuple(
        blocker_id
        for blocker_id in blocker_ids
        if blocker_id in tasks
        and policy.workflow.category(tasks[blocker_id].status) is not Category.COMPLETED
    )


def touch_early(store: Store, user_id: str) -> None:
    """Touches a user before its facts are read. Touching also reads the user, which saves a round trip.

    Call it only if the actor has the rights that the command needs. It does nothing in a dry run, and in a
    bulk, where a refusal would not roll back the touch; the user is then treated like the other sources.
    """
    work = store.unit_of_work
    if not (work.is_gathering or work.is_dry_run):
        store.users.touch(user_id)
