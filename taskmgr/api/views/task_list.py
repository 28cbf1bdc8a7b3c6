"""From the parameters of a list of tasks to the domain's query, and its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from taskmgr.api.conditional.list_tags import note
from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import actor, identity, services, this_request
from taskmgr.api.schemas.others import Listed
from taskmgr.api.schemas.tasks import ADDED, Enriched
from taskmgr.api.views.answers import paged
from taskmgr.domain.model.errors import FieldError
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.queries.task_query import BEST_MATCH_FIRST, NEWEST_FIRST, Span, TaskQuery

# What stands in every query that depends on the time, unless it is escaped.
_SIGNS_OF_TIME = (b"overdue", b"derived", b"%")


def task_page(query: TaskQuery, page_request: PageRequest, given: dict[str, Any]) -> Listed:
    """The page of the tasks that match, with what was asked to come along."""
    include: tuple[str, ...] = given["include"]
    picked = None if given["fields"] is None else (*given["fields"], *(k for i in include for k in ADDED[i]))
    if include:
        note(services().health.latest_write())
        page: Page[Any] = services().tasks.list(query, page_request, by=actor())
        return paged(replace(page, items=enriched(page.items, include)), query, picked)
    records = services().tasks.list_records(query, page_request, by=actor())
    note(records.as_of, _versions(records))
    return paged(records, query, picked)


def _versions(page: Page[TaskRecord]) -> bytes:
    """What such a page follows from: a task of one version never changes."""
    told = [f"{record.id} {record.version}" for record in page.items]
    return f"{told} {page.next} {page.total}".encode()


def depends_on_the_time() -> bool:
    """Whether the list asked for changes as time goes by, without a write."""
    asked = this_request()
    if not any(sign in asked.query_string for sign in _SIGNS_OF_TIME):
        return False
    included = ",".join(asked.args.getlist("include")).split(",")
    return "overdue" in asked.args or "derived" in included


def task_query(given: dict[str, Any]) -> TaskQuery:
    """The filters and the sort that the parameters ask for. Raises `malformed` for unknown people."""
    people = _people(given)
    return TaskQuery(
        ids=given["id"],
        statuses=given["status"],
        categories=_categories(given["category"]),
        priorities=given["priority"],
        assignee_ids=people["assignee"],
        created_by=people["created_by"],
        labels=given["label"],
        parent_ids=_or_none(given["parent"]),
        blocked_by=given["blocked_by"],
        blocked=given["blocked"],
        overdue=given["overdue"],
        dated=None if given["due"] is None else given["due"] == "any",
        due=_span(given, "due"),
        created=_span(given, "created"),
        updated=_span(given, "updated"),
        words=given["q"],
        binned=given.get("bin", False),
        sort=given.get("sort") or (BEST_MATCH_FIRST if given["q"] else NEWEST_FIRST),
    )


def enriched(tasks: Sequence[Task], include: tuple[str, ...]) -> Sequence[Task | Enriched]:
    """The tasks with what was asked to come along, in one question for all of them each."""
    if not include:
        return tasks
    ids = {task.assignee_id for task in tasks if task.assignee_id} if "assignee" in include else set()
    users = services().users.get_many(ids, by=actor())
    derived = services().derived.of(tasks, by=actor()) if "derived" in include else {}
    return [
        Enriched(task, users.get(task.assignee_id or ""), derived.get(task.id), include) for task in tasks
    ]


def _categories(groups: tuple[tuple[Category, ...], ...] | None) -> tuple[Category, ...] | None:
    return None if groups is None else tuple(dict.fromkeys(chain.from_iterable(groups)))


def _span(given: dict[str, Any], name: str) -> Span | None:
    start, end = given[f"{name}_from"], given[f"{name}_to"]
    return None if start is None and end is None else Span(start, end)


def _or_none(given: tuple[str, ...] | None) -> tuple[str | None, ...] | None:
    return None if given is None else tuple(None if key == "none" else key for key in given)


def _people(given: dict[str, Any]) -> dict[str, Any]:
    """Ids for ids, names and `me`; an unknown one is a mistake, not an empty answer."""
    asked = {name: given[name] for name in ("assignee", "created_by")}
    named = {key for keys in asked.values() for key in keys or () if not _is_nobody(key)}
    if not named:
        return {name: _or_none(keys) for name, keys in asked.items()}
    found = {"me": identity().user.id, **services().users.find_keys(named - {"me"}, by=actor())}
    errors = [
        FieldError(
            location=f"query.{name}",
            code="unknown_user",
            detail=f"There is no user {'with the id ' if is_identifier(key) else ''}{key}.",
        )
        for name, keys in asked.items()
        for key in keys or ()
        if key in named and key not in found
    ]
    if errors:
        raise ApiError("malformed", "The query names unknown users; see `errors`.", errors=errors)
    return {
        name: None if keys is None else _or_none(tuple(dict.fromkeys(found.get(key, key) for key in keys)))
        for name, keys in asked.items()
    }


def _is_nobody(key: str) -> bool:
    return key == "none" or key.startswith("system:")
