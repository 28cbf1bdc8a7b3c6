"""Inspects the whole database as of one moment, while the service may be running.

Each collection is read once, in the order of an index. Only the number of users affects the memory needed:
the relations between tasks are stored in a temporary file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.user import User
from taskmgr.domain.model.values import is_identifier
from taskmgr.infrastructure.mongo import mappers
from taskmgr.infrastructure.mongo.client import without_deadline
from taskmgr.infrastructure.mongo.inspection.entities import Entities, kinds
from taskmgr.infrastructure.mongo.inspection.feed import inspect_feed
from taskmgr.infrastructure.mongo.inspection.inbox import inspect_inbox
from taskmgr.infrastructure.mongo.inspection.internals import (
    inspect_foreign_documents,
    inspect_locks,
    inspect_meta,
    inspect_responses,
    inspect_tokens,
)
from taskmgr.infrastructure.mongo.inspection.log import inspect_foreign_entries
from taskmgr.infrastructure.mongo.inspection.projects import LastNumbers, check_keys, inspect_projects
from taskmgr.infrastructure.mongo.inspection.relations import Relations
from taskmgr.infrastructure.mongo.inspection.sign_in import (
    inspect_accounts,
    inspect_attempts,
    inspect_links,
    inspect_passwords,
    inspect_secret_hashes,
    inspect_sessions,
)
from taskmgr.infrastructure.mongo.inspection.snapshot import Report, Snapshot
from taskmgr.infrastructure.mongo.inspection.tasks import UnknownStatuses, check_task
from taskmgr.infrastructure.mongo.inspection.views import inspect_views
from taskmgr.infrastructure.mongo.inspection.webhooks import inspect_deliveries, inspect_webhooks

_BATCH = 1_000


def inspect_database(database: Database[Any], policy: Policy, report: Report) -> None:
    """Calls `report` for each finding, as soon as it is found."""
    with database.client.start_session(snapshot=True) as session, without_deadline():
        snapshot = Snapshot(database, session)
        user_ids = frozenset(str(row["_id"]) for row in snapshot.ids("users"))
        entities = Entities(snapshot, policy.time_zone, user_ids, report)
        user_kind, project_kind, task_kind, comment_kind, token_kind, *others = kinds(policy)
        session_kind, link_kind, account_kind, webhook_kind, view_kind = others
        users = {user.id: user for user in entities.of(user_kind)}
        _inspect_users(users.values(), report)
        last_numbers = inspect_projects(snapshot, list(entities.of(project_kind)), user_ids, report)
        tasks = _TaskChecks(user_ids, last_numbers, policy)
        _inspect_tasks(snapshot, entities.of(task_kind), tasks, report)
        _inspect_comments(snapshot, entities.of(comment_kind), user_ids, report)
        inspect_foreign_entries(snapshot, report)
        inspect_feed(snapshot, report)
        inspect_tokens(snapshot, entities.of(token_kind), user_ids, report)
        inspect_webhooks(snapshot, entities.of(webhook_kind), user_ids, last_numbers.keys(), report)
        inspect_deliveries(snapshot, report)
        inspect_views(entities.of(view_kind), user_ids, policy, report)
        inspect_sessions(entities.of(session_kind), users, report)
        inspect_links(entities.of(link_kind), users, report)
        inspect_accounts(entities.of(account_kind), users, report)
        inspect_secret_hashes(snapshot, "sessions", report)
        inspect_secret_hashes(snapshot, "links", report)
        inspect_passwords(snapshot, users, report)
        inspect_attempts(snapshot, report)
        inspect_responses(snapshot, user_ids, report)
        inspect_inbox(snapshot, user_ids, report)
        inspect_locks(snapshot, report)
        inspect_meta(snapshot, report)
        inspect_foreign_documents(snapshot, report)


def _inspect_users(users: Collection[User], report: Report) -> None:
    if users and not any(user.is_active_admin for user in users):
        fix = "run `taskmgr users set-role NAME admin`"
        report("users", "no_admin", f"No admin is active: {fix}.")
    for name, field in (("username", "username"), ("e-mail address", "email_key")):
        first_ids: dict[str, str] = {}
        for user in users:
            value = mappers.user_document(user).values[field]
            if value is not None and first_ids.setdefault(value, user.id) != user.id:
                detail = f"The user {first_ids[value]} has the same {name}."
                report(f"user {user.id}", "duplicate", detail)


@dataclass(frozen=True, slots=True)
class _TaskChecks:
    """The checks of single tasks, and what they compare them with."""

    users: frozenset[str]
    last_numbers: LastNumbers
    policy: Policy

    def check(self, task: Task) -> Iterator[tuple[str, str]]:
        """Yields the findings about one task, as codes and sentences."""
        yield from check_task(task, self.users, self.policy)
        yield from check_keys(task, self.last_numbers)


def _inspect_tasks(snapshot: Snapshot, tasks: Iterator[Task], checks: _TaskChecks, report: Report) -> None:
    statuses = UnknownStatuses(checks.policy.workflow)
    with Relations() as relations:
        while batch := list(islice(tasks, _BATCH)):
            binned = _read_binned(snapshot, {key for task in batch for key in _related_ids(task)})
            for task in batch:
                subject = f"task {task.id}"
                for code, detail in (*checks.check(task), *_check_relations(task, binned)):
                    report(subject, code, detail)
                statuses.add(task)
            relations.add(task for task in batch if not task.is_binned)
        for subject, code, detail in (*statuses.findings(), *relations.findings()):
            report(subject, code, detail)


def _related_ids(task: Task) -> tuple[str, ...]:
    return (*task.blocked_by, *(() if task.parent_id is None else (task.parent_id,)))


def _read_binned(snapshot: Snapshot, task_ids: set[str]) -> Mapping[str, bool]:
    """Returns whether each of the tasks is in the bin; tasks that do not exist are left out."""
    filters = {"_id": {"$in": [ObjectId(task_id) for task_id in task_ids]}}
    return {str(row["_id"]): row.get("deleted_at") is not None for row in snapshot.rows("tasks", filters)}


def _check_relations(task: Task, binned: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """Yields findings about the parent and the blockers; `binned` has all of them that exist."""
    parent = task.parent_id
    if parent is not None and parent not in binned:
        yield "unknown_task", f"Its parent {parent} does not exist."
    elif parent is not None and binned[parent] and not task.is_binned:
        yield "parent_binned", f"Its parent {parent} is in the bin."
    if missing := [blocker for blocker in task.blocked_by if blocker not in binned]:
        subject, verb = ("blocker", "does") if len(missing) == 1 else ("blockers", "do")
        yield "unknown_task", f"Its {subject} {', '.join(missing)} {verb} not exist."


def _inspect_comments(
    snapshot: Snapshot, comments: Iterator[Comment], users: frozenset[str], report: Report
) -> None:
    while batch := list(islice(comments, _BATCH)):
        task_ids = _read_binned(snapshot, {comment.task_id for comment in batch}).keys()
        for comment in batch:
            subject, author = f"comment {comment.id}", comment.author_id
            if is_identifier(author) and author not in users:
                report(subject, "unknown_user", f"Its author {author} does not exist.")
            if comment.task_id not in task_ids:
                report(subject, "unknown_task", f"Its task {comment.task_id} does not exist.")
