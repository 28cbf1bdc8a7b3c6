"""Tells users what concerns them: what happens in the feed, and which due dates come or pass.

What is stored for the users and the position up to which they have been told are written in one transaction,
so nothing is told twice and nothing is left out, wherever the process is killed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.due_date import EARLIEST
from taskmgr.domain.model.inbox import NewsKind
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.workflow import OPEN
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.inbox import NO_TASK, InboxPosition
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import PageRequest, Position
from taskmgr.domain.queries.task_query import QueryContext, Sort, Span, TaskQuery
from taskmgr.domain.rules import concerns
from taskmgr.domain.rules.concerns import Audience
from taskmgr.domain.rules.urgency import DUE_SOON
from taskmgr.domain.services.mailing import MailService
from taskmgr.domain.services.telling import Teller, Telling, about_one

FEED = "feed"
MAX_ENTRIES = 100  # of the feed, in one transaction
MAX_TASKS = 100  # whose due dates come or pass, in one transaction
# Fields of a task by which its due date begins to concern somebody.
_DUE_FIELDS = frozenset({"due_date", "assignee_id", "status", "deleted_at"})
_BY_DUE_DATE = (Sort("due_date"),)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What the entries of a part of the feed refer to, as it is now."""

    tasks: Mapping[str, Task]
    task_of_comment: Mapping[str, str]
    commenters: Mapping[str, Set[str]]
    watchers: Mapping[str, Set[str]]
    user_ids: Mapping[str, str]  # by the usernames that are mentioned
    waiting: Sequence[Task]
    blockers: Mapping[str, Task]
    due_changes: Set[str]  # the last entry about each task that affects its due date

    def task_of(self, change: Change) -> Task | None:
        """Returns the task that an entry is about, itself or by its comment; None if it is gone."""
        if change.entity == "comment":
            return self.tasks.get(self.task_of_comment.get(change.entity_id, ""))
        return self.tasks.get(change.entity_id) if change.entity == "task" else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifier:
    """Tells users what concerns them. Without `mails`, only in their inboxes."""

    store: Store
    policy: Policy
    clock: Clock
    new_id: NewId
    mails: MailService | None = None

    @property
    def _teller(self) -> Teller:
        return Teller(store=self.store, new_id=self.new_id, mails=self.mails)

    # --- the feed

    def tell_changes(self) -> bool:
        """Tells of the next entries of the feed. Returns whether there may be more.

        The first call only notes the time: what happened before is not told.
        """
        return self.store.unit_of_work.run(self._tell_changes)

    def _tell_changes(self) -> bool:
        position = self.store.inbox.position(FEED)
        if position is None:
            self.store.inbox.set_position(FEED, InboxPosition(at=self.clock()))
            return True
        part = self.store.feed.read(position.seq, limit=MAX_ENTRIES)
        if part.last == position.seq:
            return False
        changes = [entry.change for entry in part.entries if entry.change.at >= position.at]
        around = self._surroundings(changes)
        tellings = [telling for change in changes for telling in self._tellings(change, around)]
        self._teller.tell(tellings)
        self.store.inbox.set_position(FEED, InboxPosition(seq=part.last, at=position.at))
        return part.last - position.seq == MAX_ENTRIES

    def _surroundings(self, changes: Sequence[Change]) -> _Surroundings:
        comments = [change.entity_id for change in changes if change.entity == "comment"]
        task_of_comment = self.store.comments.task_ids(comments) if comments else {}
        own = [change.entity_id for change in changes if change.entity == "task"]
        task_ids = {*own, *task_of_comment.values()}
        completed = [c.entity_id for c in changes if concerns.completes(c, self.policy)]
        open_statuses = self.policy.workflow.in_category(*OPEN)
        waiting = self.store.tasks.waiting_for(completed, open_statuses) if completed else ()
        names = {name for change in changes for name in concerns.mentions_of(change)}
        blockers = {blocker for task in waiting for blocker in task.blocked_by}
        return _Surroundings(
            tasks=self.store.tasks.get_many(task_ids) if task_ids else {},
            task_of_comment=task_of_comment,
            commenters=self.store.comments.authors(task_ids) if task_ids else {},
            watchers=self.store.watches.watchers(task_ids) if task_ids else {},
            user_ids=self.store.users.ids_by_username(names) if names else {},
            waiting=waiting,
            blockers=self.store.tasks.get_many(blockers) if blockers else {},
            due_changes=frozenset(_due_changes(changes).values()),
        )

    def _tellings(self, change: Change, around: _Surroundings) -> Iterator[Telling]:
        task = around.task_of(change)
        if task is None:
            return
        audience = Audience(
            task=task,
            commenters=around.commenters.get(task.id, frozenset()),
            watchers=around.watchers.get(task.id, frozenset()),
        )
        concerned = concerns.concerned(change, audience, user_ids=around.user_ids, policy=self.policy)
        for user_id, kinds in concerned.items():
            news = {kind: concerns.news_of(change, kind) for kind in kinds}
            yield Telling(user_id=user_id, task_id=task.id, by=change.by, kinds=kinds, news=news)
        yield from self._freed(change, around)
        yield from self._due_after(change, task, around)

    def _freed(self, change: Change, around: _Surroundings) -> Iterator[Telling]:
        """Yields that the owners of tasks that waited for this one are told."""
        if not concerns.completes(change, self.policy):
            return
        news = concerns.news_of(change, NewsKind.UNBLOCKED)
        for task in around.waiting:
            owner = concerns.owner_id(task)
            is_freed = change.entity_id in task.blocked_by and owner != change.by
            if is_freed and concerns.frees(change, task, around.blockers, self.policy):
                yield about_one(owner, task.id, change.by, news)

    def _due_after(self, change: Change, task: Task, around: _Surroundings) -> Iterator[Telling]:
        """Yields that the owner of a task is told of its due date if this entry makes it theirs or near.

        The author of the entry knows the date: it only counts as told.
        """
        if change.id not in around.due_changes:
            return
        now = self.clock()
        kind = _kind_due(task, now, self.policy)
        if kind is None:
            return
        telling = self._reminded(task, kind, now)
        if telling is not None and telling.user_id != change.by:
            yield telling

    # --- due dates

    def tell_due_dates(self) -> bool:
        """Tells of the due dates that have come near or passed since the last call.

        Returns whether there may be more. The first call tells of the dates of the next 24 hours, but not of
        those that have passed.
        """
        overdue = self.store.unit_of_work.run(lambda: self._tell_due(NewsKind.OVERDUE, timedelta(0)))
        soon = self.store.unit_of_work.run(lambda: self._tell_due(NewsKind.DUE_SOON, DUE_SOON))
        return overdue or soon

    def _tell_due(self, kind: NewsKind, ahead: timedelta) -> bool:
        now = self.clock()
        position = self.store.inbox.position(kind.value) or InboxPosition(at=now)
        query = TaskQuery(categories=OPEN, due=Span(EARLIEST, now + ahead + _MILLISECOND), sort=_BY_DUE_DATE)
        after = Position((position.at,), position.task_id)
        page = self.store.tasks.find(
            query, PageRequest(limit=MAX_TASKS, after=after), QueryContext(now, self.policy)
        )
        kinds = [(task, _kind_due(task, now, self.policy)) for task in page.items]
        tellings = [self._reminded(task, kind, now) for task, kind in kinds if kind is not None]
        self._teller.tell([telling for telling in tellings if telling is not None])
        if page.items:
            last = page.items[-1]
            at = last.due_date.at if last.due_date else now
            self.store.inbox.set_position(kind.value, InboxPosition(at=at, task_id=last.id))
        elif position.at == now and position.task_id == NO_TASK:
            self.store.inbox.set_position(kind.value, position)
        return page.next is not None

    def _reminded(self, task: Task, kind: NewsKind, now: datetime) -> Telling | None:
        """Notes that the owner is told of the due date; returns None if they have been told before."""
        owner = concerns.owner_id(task)
        if not is_identifier(owner):
            return None
        keys = [f"{task.id}:{owner}:{k.value}:{task.due_date}" for k in _KINDS_TOLD_WITH[kind]]
        if keys[0] not in self.store.inbox.add_reminders(keys, now):
            return None
        return about_one(owner, task.id, None, concerns.due_news(kind, task, now=now))


_MILLISECOND = timedelta(milliseconds=1)
# A date that has passed is no longer told as one that comes near.
_KINDS_TOLD_WITH = {
    NewsKind.DUE_SOON: (NewsKind.DUE_SOON,),
    NewsKind.OVERDUE: (NewsKind.OVERDUE, NewsKind.DUE_SOON),
}


def _due_changes(changes: Sequence[Change]) -> Mapping[str, str]:
    """Returns the id of the last entry about each task that affects whom its due date concerns, by task."""
    about_tasks = (change for change in changes if change.entity == "task")
    return {change.entity_id: change.id for change in about_tasks if _DUE_FIELDS & change.after.keys()}


def _kind_due(task: Task, now: datetime, policy: Policy) -> NewsKind | None:
    """Returns what there is to tell about the due date of a task now, or None."""
    due = task.due_date
    if due is None or task.is_binned or not policy.workflow.is_open(task.status):
        return None
    if due.at <= now:
        return NewsKind.OVERDUE
    return NewsKind.DUE_SOON if due.at <= now + DUE_SOON else None
