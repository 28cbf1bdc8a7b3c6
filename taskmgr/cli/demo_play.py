"""Plays the demo's story through the services, in the order and at the times that it tells of.

A real team works within the rules, so everything goes through them; where a team's own policy
forbids a scene, the lead overrides, and what cannot be overridden is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any, cast

from taskmgr.cli.demo_story import LEAD, STORY, TEAM, Turn, Work
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.commands import TaskChanges
from taskmgr.domain.model.errors import NotPermitted, Refused
from taskmgr.domain.model.user import Actor, User
from taskmgr.domain.model.workflow import Category, Workflow
from taskmgr.domain.services import Services

_TEAM_BEGAN = 60.0  # days ago
_DAY_BEGINS, _DAY_LASTS = 8.0, 9.5  # hours
_SPREAD = 0.3  # days: no two tasks begin at the same minute
_UNTIL_REOPENED = 2.0  # days
_OVERRIDING = "Agreed in the morning meeting"

Scene = tuple[float, Callable[[], None]]  # how many days ago, and what happens


class StageClock:
    """A `Clock` that shows what it is set to."""

    def __init__(self) -> None:
        self.moment = utc_now()

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Play:
    """One performance, on a database that is empty; `services` go by `clock`."""

    services: Services
    clock: StageClock
    by: Actor
    now: datetime = field(default_factory=utc_now)
    _team: dict[str, User] = field(default_factory=dict)
    _ids: dict[int, str] = field(default_factory=dict)  # of the tasks, by their place in the story
    _keys: dict[str, str] = field(default_factory=dict)

    def perform(self) -> None:
        """Everything, in the order of time."""
        self.clock.moment = self._moment(_TEAM_BEGAN)
        for username, name, role, kind in TEAM:
            self._team[username] = self.services.users.create(
                by=self.by,
                username=username,
                name=name,
                role=role,
                kind=kind,
                email=f"{username}@example.com",
            )
        scenes = [scene for place, work in enumerate(STORY) for scene in self._scenes(place, work)]
        for ago, act in sorted(scenes, key=lambda scene: -scene[0]):
            self.clock.moment = self._moment(ago)
            act()
        self.clock.moment = self.now

    def _scenes(self, place: int, work: Work) -> Iterator[Scene]:
        later = _SPREAD * (place * 37 % 100) / 100
        steps = list(self._steps(place, work))
        yield work.ago - later, partial(self._create, place, work)
        for number, status in enumerate(steps, start=1):
            ago = work.ago - (work.ago - work.settled) * number / len(steps)
            yield ago - later, partial(self._move, place, status, reason=work.reason)
        for turn in work.turns:
            yield turn.ago - later, partial(self._turn, place, turn)
        for ago, who, text in work.said:
            yield ago - later, partial(self._say, place, who, text)
        if work.again is not None:
            ago = max(work.settled - _UNTIL_REOPENED, _SPREAD * 2)
            yield ago - later, partial(self._reopen, place, work.again)
        if work.binned is not None:
            yield work.binned - later, partial(self._bin, place)

    def _steps(self, place: int, work: Work) -> Iterator[str]:
        """The statuses that the task goes through, a different way every time."""
        workflow = self.services.policy.workflow
        ends = workflow.in_category(work.ends)
        stops = [ends[place % len(ends)]]
        if work.ends is Category.COMPLETED:
            started = workflow.in_category(Category.STARTED)
            stops = [*started[place % len(started) :][:1], *stops]
        return _way(workflow, stops)

    # --- what happens

    def _create(self, place: int, work: Work) -> None:
        creator = self._team[work.by]
        given: dict[str, Any] = {
            "title": work.title,
            "description": work.description,
            "priority": work.priority,
            "labels": work.labels,
            "due_date": self._due(work.due),
            "parent_id": self._keys.get(work.parent or ""),
            "blocked_by": tuple(self._keys[key] for key in work.after),
        }
        # Who may not give it to somebody leaves it open, and that somebody takes it.
        gives = work.to and (work.to == work.by or creator.role.value == "manager")
        if gives:
            given["assignee_id"] = self._team[work.to or ""].id
        task = self.services.tasks.create(by=Actor.of(creator), **given)
        self._ids[place] = task.id
        if work.key:
            self._keys[work.key] = task.id
        if work.to and not gives:
            taker = self._team[work.to]
            self.services.tasks.assign(task.id, assignee_id=taker.id, by=Actor.of(taker))

    def _move(self, place: int, status: str, *, reason: str | None) -> None:
        self._change(place, {"status": status}, reason=reason)

    def _turn(self, place: int, turn: Turn) -> None:
        changes = cast("TaskChanges", dict(turn.fields))
        if turn.to is not None:
            changes["assignee_id"] = self._team[turn.to].id
        if turn.due is not None:
            changes["due_date"] = self._due(turn.due)
        self._change(place, changes, by=self._team[turn.by], reason=turn.reason)

    def _reopen(self, place: int, reason: str) -> None:
        workflow = self.services.policy.workflow
        status = self.services.tasks.get(self._ids[place], by=self.by).status
        ways = [to for to in workflow.transitions[status] if workflow.is_open(to)]
        if ways:
            self._change(place, {"status": ways[0]}, reason=reason)

    def _say(self, place: int, who: str, text: str) -> None:
        self.services.comments.create(self._ids[place], text=text, by=Actor.of(self._team[who]))

    def _bin(self, place: int) -> None:
        self.services.tasks.bin(self._ids[place], by=Actor.of(self._team[LEAD]))

    def _change(
        self, place: int, changes: TaskChanges, *, by: User | None = None, reason: str | None
    ) -> None:
        """By whoever has the task, or asked for it; by the lead, overriding, where that is refused."""
        task = self.services.tasks.get(self._ids[place], by=self.by)
        members = {user.id: user for user in self._team.values()}
        who = Actor.of(by or members[task.assignee_id or task.created_by])
        try:
            self.services.tasks.change(task.id, changes, by=who, reason=reason)
        except (Refused, NotPermitted):
            lead = Actor.of(self._team[LEAD])
            try:
                self.services.tasks.change(
                    task.id, changes, by=lead, override=True, reason=reason or _OVERRIDING
                )
            except Refused:
                return

    # --- when it happens

    def _moment(self, ago: float) -> datetime:
        """That many days back, but in working hours; the order stays."""
        zone = self.services.policy.time_zone
        there = (self.now - timedelta(days=ago)).astimezone(zone)
        midnight = datetime.combine(there.date(), time(), tzinfo=zone)
        passed = (there - midnight) / timedelta(days=1)
        moment = midnight + timedelta(hours=_DAY_BEGINS + _DAY_LASTS * passed)
        return moment.astimezone(self.now.tzinfo).replace(microsecond=0)

    def _due(self, days: float | None) -> Any:
        if days is None:
            return None
        moment = (self.now + timedelta(days=days)).astimezone(self.services.policy.time_zone)
        if isinstance(days, int):
            return moment.date()
        return moment.replace(minute=0, second=0, microsecond=0)


def _way(workflow: Workflow, stops: list[str]) -> Iterator[str]:
    """The statuses from the initial one by way of these stops, as far as there is a way."""
    here = workflow.initial
    for stop in stops:
        while here != stop:
            step = workflow.next_on_the_way(here, stop)
            if step is None:
                return
            here = step
            yield here
