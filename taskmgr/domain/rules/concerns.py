"""Whom an entry of the log concerns, and why, as one table of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from taskmgr.domain.history.changes import Change
from taskmgr.domain.model.inbox import News, NewsKind
from taskmgr.domain.model.mentions import new_mentions
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import Actor, Kind, User
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """A task as it is now, and the ids of those who have commented on it or watch it."""

    task: Task
    commenters: Set[str] = frozenset()
    watchers: Set[str] = frozenset()

    @property
    def followers(self) -> Set[str]:
        """Those who hear of what happens to the task: its creator and assignee, commenters, watchers."""
        own = {self.task.created_by, self.task.assignee_id or self.task.created_by}
        return own | self.commenters | self.watchers


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """An entry with what is needed to find whom it concerns; `user_ids` are by username."""

    change: Change
    audience: Audience
    user_ids: Mapping[str, str]
    policy: Policy

    @property
    def is_about_task(self) -> bool:
        return self.change.entity == "task"

    @property
    def moves(self) -> bool:
        """Whether the entry moves the task to another status; a creation does not."""
        return self.is_about_task and "status" in self.change.before and "status" in self.change.after

    @property
    def closes(self) -> bool:
        workflow = self.policy.workflow
        before, after = self.change.before.get("status"), self.change.after.get("status")
        return self.moves and workflow.is_closed(str(after)) and not workflow.is_closed(str(before))


def _assigned(case: _Case) -> Collection[str]:
    assignee = case.change.after.get("assignee_id") if case.is_about_task else None
    return () if assignee is None else (assignee,)


def _mentioned(case: _Case) -> Collection[str]:
    return [case.user_ids[name] for name in mentions_of(case.change) if name in case.user_ids]


def _commented(case: _Case) -> Collection[str]:
    return case.audience.followers if case.change.kind == "comment.created" else ()


def _closed(case: _Case) -> Collection[str]:
    return case.audience.followers if case.closes else ()


def _moved(case: _Case) -> Collection[str]:
    return case.audience.followers if case.moves and not case.closes else ()


# The users whom an entry concerns, by the reason. The order is that of importance.
_TABLE: Mapping[NewsKind, Callable[[_Case], Collection[str]]] = {
    NewsKind.ASSIGNED: _assigned,
    NewsKind.MENTIONED: _mentioned,
    NewsKind.COMMENTED: _commented,
    NewsKind.CLOSED: _closed,
    NewsKind.MOVED: _moved,
}


def concerned(
    change: Change, audience: Audience, *, user_ids: Mapping[str, str], policy: Policy
) -> Mapping[str, tuple[NewsKind, ...]]:
    """Returns the ids of the users whom an entry concerns, except for its author, each with all reasons.

    The reasons are in the order of importance. Among the ids may be actors who are not users. `user_ids` are
    those of the mentioned users, by username. A task in the bin concerns nobody.
    """
    if audience.task.is_binned:
        return {}
    case = _Case(change=change, audience=audience, user_ids=user_ids, policy=policy)
    reasons: dict[str, tuple[NewsKind, ...]] = {}
    for kind, find in _TABLE.items():
        for user_id in find(case):
            if user_id != change.by:
                reasons[user_id] = (*reasons.get(user_id, ()), kind)
    return reasons


def mentions_of(change: Change) -> tuple[str, ...]:
    """Returns the usernames that an entry adds to a description or a comment."""
    text = {"task": "description", "comment": "text"}.get(change.entity, "")
    after = change.after.get(text)
    return new_mentions(change.before.get(text) or "", after) if after else ()


def news_of(change: Change, kind: NewsKind) -> News:
    """Returns what a user is told of an entry that concerns them for this reason."""
    is_comment = change.entity == "comment"
    is_move = kind in (NewsKind.CLOSED, NewsKind.MOVED)
    return News(
        kind=kind,
        at=change.at,
        entry_id=change.id,
        comment_id=change.entity_id if is_comment else None,
        status=change.after.get("status") if is_move else None,
        blocker_id=change.entity_id if kind is NewsKind.UNBLOCKED else None,
    )


def completes(change: Change, policy: Policy) -> bool:
    """Returns whether an entry completes a task, so that others may no longer wait for it."""
    category = policy.workflow.category
    before, after = change.before.get("status"), change.after.get("status")
    is_completed = change.entity == "task" and after is not None and category(after) is Category.COMPLETED
    return is_completed and before is not None and category(before) is not Category.COMPLETED


def frees(change: Change, waiting: Task, blockers: Mapping[str, Task], policy: Policy) -> bool:
    """Returns whether a task waits for nothing since an entry completed the last of its blockers.

    `blockers` are those outside the bin, as they are now, by id. If several have been completed meanwhile,
    exactly one of the entries frees the task: the one of the latest completion.
    """
    remaining = [blockers[key] for key in waiting.blocked_by if key in blockers]
    if waiting.is_binned or not policy.workflow.is_open(waiting.status) or change.entity_id not in blockers:
        return False
    if any(policy.workflow.category(task.status) is not Category.COMPLETED for task in remaining):
        return False
    last = max(remaining, key=lambda task: (task.completed_at or task.status_changed_at, task.id))
    return last.id == change.entity_id and last.completed_at == change.after.get("completed_at")


def owner_id(task: Task) -> str:
    """Returns whose task it is: the assignee's, or else the creator's; an actor's id."""
    return task.assignee_id or task.created_by


def may_be_told(user: User) -> bool:
    """Returns whether a user gets news: active people do, who may see tasks."""
    is_person = user.active and user.kind is Kind.PERSON
    return is_person and permissions.permits(Actor.of(user), Action.READ)


def due_news(kind: NewsKind, task: Task, *, now: datetime) -> News:
    """Returns what the owner of a task is told about its due date."""
    return News(kind=kind, at=now, due_date=str(task.due_date))
