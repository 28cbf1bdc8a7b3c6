"""Creates the demo's data through the services, in order of time, with a clock that is set back.

All changes follow the rules, as a real team's would. If the team's own policy refuses a change, the lead
overrides the rule; a change that cannot be overridden is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from taskmgr.domain.model.commands import TaskChanges
from taskmgr.domain.model.errors import NotPermitted, Refused
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.domain.services.demo.story import ARCHIVED, LEAD, PROJECTS, STORY, TEAM, Edit, Work

if TYPE_CHECKING:
    from taskmgr.domain.services import Services

_TEAM_CREATED = 60.0  # days ago
_START_OF_WORK, _HOURS_OF_WORK = 8.0, 9.5  # o'clock, hours
_MAX_SHIFT = 0.3  # days by which tasks are shifted, so that no two are created in the same minute
_REOPENED_AFTER = 2.0  # days
_OVERRIDE_REASON = "Agreed in the morning meeting"

Event = tuple[float, Callable[[], None]]  # days ago, and what happens


class SettableClock:
    """A `Clock` that returns the instant that it is set to."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant


@dataclass
class DemoData:
    """The demo's data in an empty database; `services` must use `clock`."""

    services: Services
    clock: SettableClock
    by: Actor
    now: datetime = field(init=False)
    _team: dict[str, User] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)  # task ids by position in the story
    _ids_by_name: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = self.clock.instant

    def create(self) -> None:
        """Creates the team and the projects, then lets all events happen in order of time."""
        self.clock.instant = self._instant(_TEAM_CREATED)
        for username, name, role, kind in TEAM:
            self._team[username] = self.services.users.create(
                by=self.by,
                username=username,
                name=name,
                role=role,
                kind=kind,
                email=f"{username}@example.com",
            )
        lead = Actor.of(self._team[LEAD])
        for key, name, description in PROJECTS:
            self.services.projects.create(by=lead, key=key, name=name, description=description)
        events = [event for position, task in enumerate(STORY) for event in self._events(position, task)]
        events += [(ago, partial(self._archive, key)) for key, ago in ARCHIVED]
        for ago, happen in sorted(events, key=lambda event: -event[0]):
            self.clock.instant = self._instant(ago)
            happen()
        self.clock.instant = self.now

    def _events(self, position: int, task: Work) -> Iterator[Event]:
        """Yields everything that happens to the task at this position in the story."""
        shift = _MAX_SHIFT * (position * 37 % 100) / 100
        steps = list(self._steps(position, task))
        yield task.ago - shift, partial(self._create, position, task)
        for number, status in enumerate(steps, start=1):
            ago = task.ago - (task.ago - task.settled) * number / len(steps)
            yield ago - shift, partial(self._move, position, status, reason=task.reason)
        for edit in task.edits:
            yield edit.ago - shift, partial(self._edit, position, edit)
        for ago, username, text in task.comments:
            yield ago - shift, partial(self._comment, position, username, text)
        if task.reopen_reason is not None:
            ago = max(task.settled - _REOPENED_AFTER, _MAX_SHIFT * 2)
            yield ago - shift, partial(self._reopen, position, task.reopen_reason)
        if task.binned is not None:
            yield task.binned - shift, partial(self._bin, position)

    def _steps(self, position: int, task: Work) -> Iterator[str]:
        """Yields the statuses that the task passes through; `position` varies them within their category."""
        workflow = self.services.policy.workflow
        ends = workflow.in_category(task.ends)
        stops = [ends[position % len(ends)]]
        if task.ends is Category.COMPLETED:
            started = workflow.in_category(Category.STARTED)
            stops = [*started[position % len(started) :][:1], *stops]
        return _path(workflow, stops)

    # --- events

    def _archive(self, key: str) -> None:
        self.services.projects.change(key, {"archived": True}, by=Actor.of(self._team[LEAD]))

    def _create(self, position: int, task: Work) -> None:
        creator = self._team[task.by]
        values: dict[str, Any] = {
            "title": task.title,
            "project": task.project,
            "description": task.description,
            "priority": task.priority,
            "labels": task.labels,
            "due_date": self._due(task.due),
            "parent_id": self._ids_by_name.get(task.parent or ""),
            "blocked_by": tuple(self._ids_by_name[name] for name in task.after),
        }
        # A creator who may not assign the task to others leaves it unassigned, and the assignee takes it.
        may_assign = task.to and (task.to == task.by or creator.role.value == "manager")
        if may_assign:
            values["assignee_id"] = self._team[task.to or ""].id
        task_id = self.services.tasks.create(by=Actor.of(creator), **values).id
        self._ids[position] = task_id
        if task.name:
            self._ids_by_name[task.name] = task_id
        if task.to and not may_assign:
            assignee = self._team[task.to]
            self.services.tasks.assign(task_id, assignee_id=assignee.id, by=Actor.of(assignee))

    def _move(self, position: int, status: str, *, reason: str | None) -> None:
        self._change(position, {"status": status}, reason=reason)

    def _edit(self, position: int, edit: Edit) -> None:
        changes = cast("TaskChanges", dict(edit.fields))
        if edit.to is not None:
            changes["assignee_id"] = self._team[edit.to].id
        if edit.due is not None:
            changes["due_date"] = self._due(edit.due)
        self._change(position, changes, by=self._team[edit.by], reason=edit.reason)

    def _reopen(self, position: int, reason: str) -> None:
        workflow = self.services.policy.workflow
        status = self.services.tasks.get(self._ids[position], by=self.by).status
        open_statuses = [to for to in workflow.transitions[status] if workflow.is_open(to)]
        if open_statuses:
            self._change(position, {"status": open_statuses[0]}, reason=reason)

    def _comment(self, position: int, username: str, text: str) -> None:
        self.services.comments.create(self._ids[position], text=text, by=Actor.of(self._team[username]))

    def _bin(self, position: int) -> None:
        self.services.tasks.bin(self._ids[position], by=Actor.of(self._team[LEAD]))

    def _change(
        self, position: int, changes: TaskChanges, *, by: User | None = None, reason: str | None
    ) -> None:
        """Changes the task as `by`, by default its assignee or creator; if refused, as the lead.

        The lead overrides the rule. A change that is refused even then is left out.
        """
        task = self.services.tasks.get(self._ids[position], by=self.by)
        members = {user.id: user for user in self._team.values()}
        actor = Actor.of(by or members[task.assignee_id or task.created_by])
        try:
            self.services.tasks.change(task.id, changes, by=actor, reason=reason)
        except (Refused, NotPermitted):
            lead = Actor.of(self._team[LEAD])
            try:
                self.services.tasks.change(
                    task.id, changes, by=lead, override=True, reason=reason or _OVERRIDE_REASON
                )
            except Refused:
                return

    # --- times

    def _instant(self, ago: float) -> datetime:
        """Returns the instant `ago` days ago, with the 24 hours of the day mapped to the working hours."""
        zone = self.services.policy.time_zone
        local = (self.now - timedelta(days=ago)).astimezone(zone)
        midnight = datetime.combine(local.date(), time(), tzinfo=zone)
        part_of_day = (local - midnight) / timedelta(days=1)
        instant = midnight + timedelta(hours=_START_OF_WORK + _HOURS_OF_WORK * part_of_day)
        return instant.astimezone(self.now.tzinfo).replace(microsecond=0)

    def _due(self, days: float | None) -> Any:
        if days is None:
            return None
        local = (self.now + timedelta(days=days)).astimezone(self.services.policy.time_zone)
        if isinstance(days, int):
            return local.date()
        return local.replace(minute=0, second=0, microsecond=0)


def _path(workflow: Workflow, stops: list[str]) -> Iterator[str]:
    """Yields the statuses from the initial one through these stops, until one cannot be reached."""
    status = workflow.initial
    for stop in stops:
        while status != stop:
            step = workflow.next_status_towards(status, stop)
            if step is None:
                return
            status = step
            yield status
