"""Parses the texts of query parameters: the filters and the sort of a list of tasks.

The API reads them from a query or a body, and a saved view keeps them. Both use `FILTER_PARSERS`, so a view
never has a filter that the list refuses. Users and projects are looked up later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.due_date import parse_bound
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import parse_priority
from taskmgr.domain.model.workflow import CLOSED, OPEN, Category
from taskmgr.domain.queries.search import parse_words
from taskmgr.domain.queries.task_query import TASK_SORTS, Sort

MAX_LIST_VALUES = 100
SORT_NAMES = tuple(sign + key for key in TASK_SORTS for sign in ("", "-"))
CATEGORY_GROUPS: Mapping[str, tuple[Category, ...]] = {
    "open": OPEN, "closed": CLOSED, **{c.value: (c,) for c in Category}
}  # fmt: skip
_BLANK_OFFSET = re.compile(r"\d \d\d:\d\d$")
_ENCODE_THE_PLUS = "A `+` in a URL stands for a space: write `%2B`, or give the time in UTC, with `Z`."


def parse_boolean(text: str) -> bool:
    """Parses `true` and `false`."""
    if text not in ("true", "false"):
        raise BadValue("not_allowed", "Must be true or false.", allowed=("true", "false"))
    return text == "true"


def parse_list(parser: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Returns the parser of a comma-separated list; `parser` reads each of its values."""

    def parse(text: str) -> tuple[Any, ...]:
        parts = text.split(",")
        if len(parts) > MAX_LIST_VALUES:
            raise BadValue("too_many", f"Must be at most {MAX_LIST_VALUES} values, not {len(parts)}.")
        return tuple(dict.fromkeys(parser(part) for part in parts))

    return parse


def parse_time(text: str, parse: Callable[[str, tzinfo], Any], policy: Policy) -> Any:
    """Parses a date or a time in the policy's time zone.

    The error has a hint if a `+` has become a space on the way.
    """
    try:
        return parse(text, policy.time_zone)
    except BadValue as bad:
        if _BLANK_OFFSET.search(text):
            raise BadValue(bad.code, f"{bad.detail} {_ENCODE_THE_PLUS}") from bad
        raise


def parse_category(text: str) -> tuple[Category, ...]:
    """Parses `open`, `closed`, or one of the four categories."""
    if text not in CATEGORY_GROUPS:
        raise parsing.not_allowed(CATEGORY_GROUPS)
    return CATEGORY_GROUPS[text]


def parse_sort(text: str) -> tuple[Sort, ...]:
    """Parses a comma-separated list of different sort keys, each with `-` for descending order."""
    sorts = tuple(Sort(part.removeprefix("-"), part.startswith("-")) for part in text.split(","))
    if any(s.key not in TASK_SORTS for s in sorts):
        detail = f"Must be a comma-separated list of: {', '.join(SORT_NAMES)}."
        raise BadValue("not_allowed", detail, allowed=SORT_NAMES)
    if len({s.key for s in sorts}) < len(sorts):
        raise BadValue("repeated", "Each key may occur only once.")
    return sorts


def _id_or_none(text: str) -> str:
    """Parses a task's id or key, or `none`."""
    return text if text == "none" else values.task_reference(text)


def _assignee(text: str) -> str:
    """Parses an id, a username, `me` or `none`."""
    if text in values.RESERVED_USERNAMES or values.is_identifier(text):
        return text
    return values.username(text)


def _labels(value: object) -> tuple[str, ...]:
    """Parses one label, or several of which a task must have all."""
    return values.labels([value] if isinstance(value, str) else value)


Parser = Callable[[Any, Policy], Any]


def _plain(parse: Callable[[Any], Any]) -> Parser:
    """Returns the parser of a filter that does not depend on the policy."""
    return lambda text, _: parse(text)


def _list(parse: Callable[[str], Any]) -> Parser:
    return _plain(parse_list(parse))


def _bound(text: str, policy: Policy) -> Any:
    return parse_time(text, parse_bound, policy)


# The filters of a list of tasks, each with the parser of its text; that of `label` also accepts a list.
FILTER_PARSERS: Mapping[str, Parser] = {
    "id": _list(values.task_reference),
    "project": _list(values.project_reference),
    "status": lambda text, policy: parse_list(policy.workflow.parse)(text),
    "category": _list(parse_category),
    "priority": _list(parse_priority),
    "assignee": _list(_assignee),
    "created_by": _list(values.actor_key),
    "label": _plain(_labels),
    "parent": _list(_id_or_none),
    "blocked_by": _list(values.task_reference),
    "blocked": _plain(parse_boolean),
    "overdue": _plain(parse_boolean),
    "due": _plain(parsing.one_of_names(("any", "none"))),
    "due_from": _bound,
    "due_to": _bound,
    "created_from": _bound,
    "created_to": _bound,
    "updated_from": _bound,
    "updated_to": _bound,
    "q": _plain(parse_words),
    "bin": _plain(parse_boolean),
}
