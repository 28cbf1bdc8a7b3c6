"""Reads the whole store for what breaks a rule, as it was at one moment, however busy it is.

One pass over each collection in the order of an index. Memory grows with the number of users alone:
the relations between tasks go to a temporary file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from taskmgr.infrastructure.mongo.inspection.internals import (
    against_answers,
    against_locks,
    against_meta,
    against_strangers,
    against_tokens,
)
from taskmgr.infrastructure.mongo.inspection.log import against_strangers_in_log
from taskmgr.infrastructure.mongo.inspection.relations import Relations
from taskmgr.infrastructure.mongo.inspection.snapshot import Report, Snapshot
from taskmgr.infrastructure.mongo.inspection.tasks import Statuses, against_task

_BATCH = 1_000


def inspect_database(database: Database[Any], policy: Policy, report: Report) -> None:
    """Reports everything that is not as it should be, in the order in which it is found."""
    with database.client.start_session(snapshot=True) as session, without_deadline():
        snapshot = Snapshot(database, session)
        known = frozenset(str(row["_id"]) for row in snapshot.ids("users"))
        entities = Entities(snapshot, policy.time_zone, known, report)
        user_kind, task_kind, comment_kind, token_kind = kinds(policy)
        _inspect_users(list(entities.of(user_kind)), report)
        _inspect_tasks(snapshot, entities.of(task_kind), known, policy, report)
        _inspect_comments(snapshot, entities.of(comment_kind), known, report)
        against_strangers_in_log(snapshot, report)
        against_tokens(snapshot, entities.of(token_kind), known, report)
        against_answers(snapshot, known, report)
        against_locks(snapshot, report)
        against_meta(snapshot, report)
        against_strangers(snapshot, report)


def _inspect_users(users: list[User], report: Report) -> None:
    if users and not any(user.is_active_admin for user in users):
        fix = "make one with `taskmgr users set-role NAME admin`"
        report("users", "no_admin", f"There is no active admin: {fix}.")
    for name, field in (("username", "username"), ("e-mail address", "email_key")):
        first: dict[str, str] = {}
        for user in users:
            value = mappers.user_document(user).values[field]
            if value is not None and first.setdefault(value, user.id) != user.id:
                detail = f"Its {name} is also that of {first[value]}."
                report(f"user {user.id}", "duplicate", detail)


def _inspect_tasks(
    snapshot: Snapshot, tasks: Iterator[Task], users: frozenset[str], policy: Policy, report: Report
) -> None:
    statuses = Statuses(policy.workflow)
    with Relations() as relations:
        while batch := list(islice(tasks, _BATCH)):
            there = _tasks_among(snapshot, {key for task in batch for key in _related(task)})
            for task in batch:
                subject = f"task {task.id}"
                for code, detail in (*against_task(task, users, policy), *_broken(task, there)):
                    report(subject, code, detail)
                statuses.note(task)
            relations.note(task for task in batch if not task.is_binned)
        for subject, code, detail in (*statuses.unknown(), *relations.broken()):
            report(subject, code, detail)


def _related(task: Task) -> tuple[str, ...]:
    return (*task.blocked_by, *(() if task.parent_id is None else (task.parent_id,)))


def _tasks_among(snapshot: Snapshot, task_ids: set[str]) -> Mapping[str, bool]:
    """Returns those of the tasks that exist, each with whether it is in the bin."""
    wanted = {"_id": {"$in": [ObjectId(task_id) for task_id in task_ids]}}
    return {str(row["_id"]): row.get("deleted_at") is not None for row in snapshot.rows("tasks", wanted)}


def _broken(task: Task, there: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    parent = task.parent_id
    if parent is not None and parent not in there:
        yield "unknown_task", f"Its parent {parent} does not exist."
    elif parent is not None and there[parent] and not task.is_binned:
        yield "parent_binned", f"Its parent {parent} is in the bin."
    if missing := [blocker for blocker in task.blocked_by if blocker not in there]:
        yield "unknown_task", f"It waits for {', '.join(missing)}, which does not exist."


def _inspect_comments(
    snapshot: Snapshot, comments: Iterator[Comment], users: frozenset[str], report: Report
) -> None:
    while batch := list(islice(comments, _BATCH)):
        there = _tasks_among(snapshot, {comment.task_id for comment in batch})
        for comment in batch:
            subject, author = f"comment {comment.id}", comment.author_id
            if is_identifier(author) and author not in users:
                report(subject, "unknown_user", f"Its author {author} does not exist.")
            if comment.task_id not in there:
                report(subject, "unknown_task", f"Its task {comment.task_id} does not exist.")
