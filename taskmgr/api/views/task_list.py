"""From the parameters of a list of tasks to the domain's query, and its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from taskmgr.api.context import actor, identity, policy, services
from taskmgr.api.problems import ApiError
from taskmgr.api.schemas.others import Listed
from taskmgr.api.schemas.tasks import Enriched
from taskmgr.api.views.answers import paged
from taskmgr.domain.errors import FieldError
from taskmgr.domain.query import DEFAULT_SORT, Page, TaskQuery, Window
from taskmgr.domain.task import Task
from taskmgr.domain.values import is_identifier
from taskmgr.domain.workflow import Category


def task_page(query: TaskQuery, window: Window, include: tuple[str, ...]) -> Listed:
    """The page of the tasks that match, with what was asked to come along."""
    page: Page[Any] = services().tasks.list(query, window, by=actor())
    return paged(replace(page, items=enriched(page.items, include)), query)


def task_query(given: dict[str, Any]) -> TaskQuery:
    """The filters and the sort that the parameters ask for."""
    return TaskQuery(
        ids=given["id"],
        statuses=_statuses(given["status"], given["category"]),
        priorities=given["priority"],
        assignee_ids=_assignees(given["assignee"]),
        labels=given["label"],
        binned=given["bin"],
        sort=given.get("sort", DEFAULT_SORT),
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


def _statuses(
    names: tuple[str, ...] | None, categories: tuple[tuple[Category, ...], ...] | None
) -> tuple[str, ...] | None:
    """The statuses that match both filters."""
    if categories is None:
        return names
    wanted = policy().workflow.in_category(*(c for group in categories for c in group))
    return wanted if names is None else tuple(name for name in names if name in wanted)


def _assignees(given: tuple[str, ...] | None) -> tuple[str | None, ...] | None:
    """Ids for ids, names, `me` and `none`; an unknown one is a mistake, not an empty answer."""
    if given is None:
        return None
    keys = [identity().user.id if key == "me" else key for key in given]
    found = services().users.find_keys([key for key in keys if key != "none"], by=actor())
    _require_known(key for key in keys if key != "none" and key not in found)
    return tuple(None if key == "none" else found[key] for key in keys)


def _require_known(unknown: Iterable[str]) -> None:
    errors = [
        FieldError(
            location="query.assignee",
            code="unknown_user",
            detail=f"There is no user {'with the id ' if is_identifier(key) else ''}{key}.",
        )
        for key in unknown
    ]
    if errors:
        raise ApiError("malformed", "The query names users that there are not.", errors=errors)
