"""Builds task queries from the parameters of a list, and the pages that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from taskmgr.api.conditional.list_tags import record_list_version
from taskmgr.api.request_state import actor
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import PageResult
from taskmgr.api.schemas.tasks import ADDED, Enriched
from taskmgr.api.views.names import find_projects, find_users, ids_or_none, require_known
from taskmgr.api.views.responses import build_page
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.queries.task_query import BEST_MATCH_FIRST, NEWEST_FIRST, Span, TaskQuery

_USER_PARAMETERS = ("assignee", "created_by")


def list_task_page(query: TaskQuery, page_request: PageRequest, params: dict[str, Any]) -> PageResult:
    """Returns the page of the tasks that match, with the keys of `fields` and `include`."""
    include: tuple[str, ...] = params["include"]
    keys = None if params["fields"] is None else (*params["fields"], *(k for i in include for k in ADDED[i]))
    depends_on_time = query.depends_on_time or "derived" in include
    if include:
        if not depends_on_time:
            record_list_version(services().health.latest_write())
        page: Page[Any] = services().tasks.list(query, page_request, by=actor())
        return build_page(replace(page, items=with_included(page.items, include)), query, keys)
    records = services().tasks.list_records(query, page_request, by=actor())
    record_list_version(None if depends_on_time else records.as_of, _versions(records))
    return build_page(records, query, keys)


def build_task_query(params: dict[str, Any], place: str = "query") -> TaskQuery:
    """Returns the query for the parameters. Raises an error with every unknown user and project.

    `place` is where the request has the parameters. The error is `malformed` for the query, and `invalid` for
    the body.
    """
    users, unknown_users = find_users({name: params[name] for name in _USER_PARAMETERS}, place)
    projects, unknown_projects = find_projects(params["project"], place)
    require_known([*unknown_users, *unknown_projects], place)
    return TaskQuery(
        ids=params["id"],
        projects=projects,
        statuses=params["status"],
        categories=_categories(params["category"]),
        priorities=params["priority"],
        assignee_ids=users["assignee"],
        created_by=users["created_by"],
        labels=params["label"],
        parent_ids=ids_or_none(params["parent"]),
        blocked_by=params["blocked_by"],
        blocked=params["blocked"],
        overdue=params["overdue"],
        dated=None if params["due"] is None else params["due"] == "any",
        due=_span(params, "due"),
        created=_span(params, "created"),
        updated=_span(params, "updated"),
        words=params["q"],
        binned=params.get("bin", False),
        sort=params.get("sort") or (BEST_MATCH_FIRST if params["q"] else NEWEST_FIRST),
    )


def with_included(tasks: Sequence[Task], include: tuple[str, ...]) -> Sequence[Task | Enriched]:
    """Returns the tasks with what `include` names, from one query for each name."""
    if not include:
        return tasks
    ids = {task.assignee_id for task in tasks if task.assignee_id} if "assignee" in include else set()
    users = services().users.get_many(ids, by=actor())
    derived = services().derived.of(tasks, by=actor()) if "derived" in include else {}
    return [
        Enriched(task, users.get(task.assignee_id or ""), derived.get(task.id), include) for task in tasks
    ]


def _versions(page: Page[TaskRecord]) -> bytes:
    """Returns what determines the content of a page: a version of a task never changes."""
    versions = [f"{record.id} {record.version}" for record in page.items]
    return f"{versions} {page.next} {page.total}".encode()


def _categories(groups: tuple[tuple[Category, ...], ...] | None) -> tuple[Category, ...] | None:
    return None if groups is None else tuple(dict.fromkeys(chain.from_iterable(groups)))


def _span(params: dict[str, Any], name: str) -> Span | None:
    start, end = params[f"{name}_from"], params[f"{name}_to"]
    return None if start is None and end is None else Span(start, end)
