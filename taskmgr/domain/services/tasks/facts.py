"""Gathers what the rules need to know about a step, and touches what it has read.

Snapshot isolation alone lets two transactions both count four of five started tasks and both
start a fifth. So whatever a rule reads beyond the task itself is touched in the same transaction:
of two commands that conflict one is run again, against what the other wrote.

A touch is a write, so it waits until the step stands: what is refused writes nothing and keeps
nobody waiting. That is as safe as touching first. A transaction reads from one snapshot, and a touch
of a document that somebody else has written since that snapshot conflicts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import Priority
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.workflow import OPEN, Category
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.task_query import Sort, TaskQuery
from taskmgr.domain.rules.facts import Facts
from taskmgr.domain.rules.rule_book import MAX_SUBTASK_LEVELS
from taskmgr.domain.rules.step import Step
from taskmgr.domain.services.tasks.relations import Search, search

# How many ids a refusal names at the most; a limit above it is still counted in full.
MOST_NAMED = 20
_OLDEST_FIRST = (Sort("created_at"),)


@dataclass(slots=True)
class _Read:
    """What the facts have been read from, and has yet to be touched."""

    user_ids: set[str] = field(default_factory=set)
    task_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class FactFinder:
    """Gathers the facts of one step."""

    store: Store
    policy: Policy
    _read: _Read = field(default_factory=_Read)

    def touch(self) -> None:
        """Touches everything that the facts were read from; to be called once the step stands.

        A dry run writes nothing that lasts, so its snapshot is enough and it holds up nobody.
        """
        if self.store.unit_of_work.is_dry_run:
            return
        for user_id in self._read.user_ids:
            self.store.users.touch(user_id)
        if self._read.task_ids:
            self.store.tasks.touch(self._read.task_ids)

    def for_step(self, step: Step) -> Facts:
        """Returns the facts that some rule asks for at this step."""
        parent, parent_binned = self._parent(step)
        started, urgent = self._counted(step)
        relations = self._relations(step)
        return Facts(
            assignee=self._assignee(step),
            was_assignee=self._was_assignee(step),
            parent=parent,
            parent_binned=parent_binned,
            unresolved_blockers=self._unresolved(step),
            open_subtasks=self._subtasks(step.after, OPEN) if step.completes else (),
            subtasks=self._subtasks(step.after, None) if step.binned else (),
            started=started,
            urgent=urgent,
            cycle=relations.ring,
            chain_too_long=relations.too_long,
            levels=self._levels(step),
        )

    def _assignee(self, step: Step) -> User | None:
        if step.after.assignee_id is None or not step.needs_active_assignee:
            return None
        self._read.user_ids.add(step.after.assignee_id)
        return self.store.users.get(step.after.assignee_id)

    def _was_assignee(self, step: Step) -> bool:
        """From the log, which only grows with the task itself: there is nothing to touch."""
        actor = step.by.user_id
        if not (self.policy.four_eyes and step.completes and actor) or step.created:
            return False
        completed = self.policy.workflow.in_category(Category.COMPLETED)
        return self.store.activity.was_assignee(step.before.id, actor, since_in=completed)

    def _parent(self, step: Step) -> tuple[Task | None, bool]:
        parent_id = step.after.parent_id
        comes = step.appears or parent_id != step.before.parent_id
        if parent_id is None or not (step.meets_parent or comes):
            return None, False
        parent = self.store.tasks.get_many([parent_id]).get(parent_id)
        if parent is not None:
            self._read.task_ids.add(parent_id)
        return parent, parent is None and step.restored

    def _unresolved(self, step: Step) -> tuple[str, ...]:
        if not (step.starts or step.completes) or not step.after.blocked_by:
            return ()
        blockers = self.store.tasks.get_many(step.after.blocked_by)
        self._read.task_ids.update(blockers)
        return unresolved(step.after.blocked_by, blockers, self.policy)

    def _counted(self, step: Step) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The assignee's other started and other open urgent tasks, as far as a limit asks."""
        policy = self.policy
        started = policy.wip_limit and step.counts_as_started
        urgent = policy.urgent_limit and step.counts_as_urgent
        assignee = step.after.assignee_id
        if assignee is None or not (started or urgent):
            return (), ()
        self._read.user_ids.add(assignee)
        others: dict[str, Any] = {"assignee_ids": (assignee,), "except_id": step.after.id}
        return (
            self._ids((Category.STARTED,), others) if started else (),
            self._ids(OPEN, others | {"priorities": (Priority.URGENT,)}) if urgent else (),
        )

    def _subtasks(self, task: Task, categories: tuple[Category, ...] | None) -> tuple[str, ...]:
        return self._ids(categories, {"parent_ids": (task.id,)})

    def _ids(self, categories: tuple[Category, ...] | None, filters: dict[str, Any]) -> tuple[str, ...]:
        """The ids of the oldest tasks in these categories; None stands for all, known or not."""
        statuses = None if categories is None else self.policy.workflow.in_category(*categories)
        query = TaskQuery(statuses=statuses, sort=_OLDEST_FIRST, **filters)
        most = max(MOST_NAMED, self.policy.wip_limit, self.policy.urgent_limit)
        return self.store.tasks.find_ids(query, limit=most)

    def _relations(self, step: Step) -> Search:
        """Whether new edges would close a ring."""
        if not step.adds_edges:
            return Search()
        found = search(self.store.tasks, step)
        self._read.task_ids.update(found.read)
        return found

    def _levels(self, step: Step) -> int:
        """How many levels of subtasks there are from the root above the task to its deepest one.

        All ancestors are touched. Of two commands that make one line longer at two places, the lower
        one touches the task that the upper one moves.
        """
        ancestor, above, below = step.new_parent_id, 0, 0
        if ancestor is None:
            return 0
        while ancestor is not None and ancestor != step.after.id and above <= MAX_SUBTASK_LEVELS:
            above += 1
            self._read.task_ids.add(ancestor)
            parent = self.store.tasks.get_many([ancestor]).get(ancestor)
            ancestor = parent.parent_id if parent else None
        generation: Collection[str] = () if step.created else (step.after.id,)
        while generation and above + below <= MAX_SUBTASK_LEVELS:
            subtasks = self.store.tasks.parents_of_subtasks(generation)
            generation = [child for child in subtasks if child != step.after.id]
            below += bool(generation)
        return above + below


def unresolved(blocked_by: Collection[str], there: Mapping[str, Task], policy: Policy) -> tuple[str, ...]:
    """Those blockers that are neither completed nor in the bin; a cancelled one is not done."""
    return tuple(
        blocker
        for blocker in blocked_by
        if blocker in there and policy.workflow.category(there[blocker].status) is not Category.COMPLETED
    )


def touch_ahead(store: Store, user_id: str) -> None:
    """Touches a user before its facts are gathered: touching reads it, which saves a round trip.

    Only for a command that the actor's role permits. Where a refusal would not roll the touch back,
    in a bulk, and in a dry run it does nothing: the user is read, and touched once the step stands.
    """
    work = store.unit_of_work
    if not (work.is_gathering or work.is_dry_run):
        store.users.touch(user_id)


def require_there(
    store: Store, named: Mapping[str, Any], *, task: Task | None = None, permitted: bool = False
) -> None:
    """Raises `Invalid` with every user and task among these fields of a task that is not there.

    A relation that the `task` already has is no mistake, whatever became of the other end.
    `permitted` says that the actor may do what the command does.
    """
    assignee, parent = named.get("assignee_id"), named.get("parent_id")
    kept_assignee = task.assignee_id if task else None
    kept_parent, kept_blockers = (task.parent_id, task.blocked_by) if task else (None, ())
    blockers = enumerate(named.get("blocked_by", ()))
    new = [(f"blocked_by.{place}", b) for place, b in blockers if b not in kept_blockers]
    new += [("parent_id", parent)] if parent not in (None, kept_parent) else []
    there = store.tasks.get_many({task_id for _, task_id in new})
    errors = [
        FieldError(location=place, code="unknown_task", detail=f"There is no task {task_id}.")
        for place, task_id in new
        if task_id not in there
    ]
    if assignee not in (None, kept_assignee):
        if permitted:
            touch_ahead(store, assignee)
        if not store.users.get_many([assignee]):
            detail = f"There is no user {assignee}."
            errors.insert(0, FieldError(location="assignee_id", code="unknown_user", detail=detail))
    if errors:
        raise Invalid(errors)
