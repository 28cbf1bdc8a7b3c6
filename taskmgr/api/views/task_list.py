"""Builds task queries from the parameters of a list, and the pages that answer them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from taskmgr.api.conditional.list_tags import record_list_version
from taskmgr.api.problems.codes import ApiError
from taskmgr.api.request_state import actor, identity
from taskmgr.api.runtime import services
from taskmgr.api.schemas.pages import PageResult
from taskmgr.api.schemas.tasks import ADDED, Enriched
from taskmgr.api.views.responses import build_page
from taskmgr.domain.model.errors import FieldError
from taskmgr.domain.model.task import Task
from taskmgr.domain.model.values import is_identifier
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.ports.reads import TaskRecord
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.queries.task_query import BEST_MATCH_FIRST, NEWEST_FIRST, Span, TaskQuery

_USER_PARAMETERS = ("assignee", "created_by")
UserKeys = tuple[str, ...] | None


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


def build_task_query(params: dict[str, Any]) -> TaskQuery:
    """Returns the query for the parameters. Raises `malformed` for unknown users."""
    users = _user_ids(params)
    return TaskQuery(
        ids=params["id"],
        projects=params["project"],
        statuses=params["status"],
        categories=_categories(params["category"]),
        priorities=params["priority"],
        assignee_ids=users["assignee"],
        created_by=users["created_by"],
        labels=params["label"],
        parent_ids=_ids_or_null(params["parent"]),
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


def _ids_or_null(keys: UserKeys) -> tuple[str | None, ...] | None:
    """Replaces `none` by null."""
    return None if keys is None else tuple(None if key == "none" else key for key in keys)


def _user_ids(params: dict[str, Any]) -> dict[str, Any]:
    """Returns the ids for the ids, usernames and `me` in the parameters that name users."""
    keys: dict[str, UserKeys] = {name: params[name] for name in _USER_PARAMETERS}
    named = {key for values in keys.values() for key in values or () if not _names_no_user(key)}
    if not named:
        return {name: _ids_or_null(values) for name, values in keys.items()}
    ids = {"me": identity().user.id, **services().users.find_keys(named - {"me"}, by=actor())}
    _require_known_users(keys, named - set(ids))
    return {
        name: values and _ids_or_null(tuple(dict.fromkeys(ids.get(key, key) for key in values)))
        for name, values in keys.items()
    }


def _require_known_users(keys: Mapping[str, UserKeys], unknown: Collection[str]) -> None:
    errors = [
        FieldError(location=f"query.{name}", code="unknown_user", detail=unknown_user_text(key))
        for name, values in keys.items()
        for key in values or ()
        if key in unknown
    ]
    if errors:
        raise ApiError("malformed", "The query names unknown users; see `errors`.", errors=errors)


def unknown_user_text(key: str) -> str:
    """Returns the message for an id or a username that no user has."""
    return f"Unknown user id: {key}." if is_identifier(key) else f"Unknown username: {key}."


def _names_no_user(key: str) -> bool:
    return key == "none" or key.startswith("system:")
