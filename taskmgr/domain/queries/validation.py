"""Validates queries, so that a misspelt filter neither widens nor empties a result.

The API has already parsed its parameters, and a valid query is returned unchanged. A script's query may use
the same forms as commands: names of priorities, labels in any case, lists instead of tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.policy import Policy
from taskmgr.domain.model.priority import parse_priority
from taskmgr.domain.model.user import Role
from taskmgr.domain.model.workflow import Category
from taskmgr.domain.queries.search import words_of
from taskmgr.domain.queries.task_query import (
    BEST_MATCH_FIRST,
    NEWEST_FIRST,
    TASK_SORTS,
    Sort,
    Span,
    TaskQuery,
)
from taskmgr.domain.queries.user_query import UserQuery

Q = TypeVar("Q", TaskQuery, UserQuery)
Parser = Callable[[Any, Policy], Any]


def validated(query: Q, policy: Policy) -> Q:
    """Returns the query with parsed values. Raises `Invalid` with all mistakes at once."""
    errors: list[FieldError] = []
    parsed: dict[str, Any] = {}
    table, read = _TABLES[type(query)]
    for (name, default, parse), value in zip(table, read(query), strict=True):
        if value is default:
            continue
        try:
            result = parse(value, policy)
        except BadValue as bad:
            errors.append(bad.at(f"query.{name}"))
        else:
            if result is not value:
                parsed[name] = result
    if errors:
        raise Invalid(errors)
    return replace(query, **parsed) if parsed else query


def _items(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return value
    if isinstance(value, list | set | frozenset):
        return tuple(value)
    raise BadValue("wrong_type", f"Must be a tuple of values; this is {value!r}.")


def _all_of(parse: Parser) -> Parser:
    """Returns a parser of tuples that parses every value and drops duplicates."""

    def parse_all(value: Any, policy: Policy) -> tuple[Any, ...]:
        items, results = _items(value), []
        for position, item in enumerate(items):
            try:
                results.append(parse(item, policy))
            except BadValue as bad:
                raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=str(position)) from bad
        kept = tuple(dict.fromkeys(results))
        # Types are compared, too, because a priority is equal to its name.
        return items if kept == items and [*map(type, kept)] == [*map(type, items)] else kept

    return parse_all


def _or_none(parse: Parser) -> Parser:
    return lambda value, policy: None if value is None else parse(value, policy)


def _plain(parse: Callable[[Any], Any]) -> Parser:
    """Returns the parser of a value that does not depend on the policy."""
    return lambda value, _: parse(value)


@lru_cache(maxsize=1_024)  # parsing a label looks at every letter
def _known_label(value: str) -> str:
    return values.label(value)


def _label(value: Any) -> str:
    return _known_label(value) if isinstance(value, str) else values.label(value)


def _user_id(value: Any) -> str:
    if values.is_identifier(value):
        return str(value)
    raise BadValue("bad_id", f"Must be a user's id, not a name; this is {value!r}.")


def _actor_id(value: Any) -> str:
    if isinstance(value, str) and value.startswith("system:"):
        return value
    return _user_id(value)


def _span(value: Any) -> Span:
    if not isinstance(value, Span):
        raise BadValue("wrong_type", "Must be a Span of dates or aware date-times.")
    for bound in (value.start, value.end):
        if not (bound is None or isinstance(bound, date)):
            raise BadValue("wrong_type", f"Must be bounded by dates or aware date-times; this is {bound!r}.")
        if isinstance(bound, datetime) and bound.tzinfo is None:
            raise BadValue("no_offset", "A date-time must have an offset.")
    return value


def _words(value: Any) -> tuple[str, ...]:
    words = _items(value)
    if not all(isinstance(word, str) and words_of(word) for word in words):
        raise BadValue("no_words", "Must be a tuple of words.")
    parsed = words_of(*words)
    return words if parsed == words else parsed


def _sort(value: Any) -> tuple[Sort, ...]:
    if value in (NEWEST_FIRST, BEST_MATCH_FIRST):
        return tuple(value)
    sorts = _items(value)
    for sort in sorts:
        if not isinstance(sort, Sort) or sort.key not in TASK_SORTS:
            detail = f"Must be a Sort by one of: {', '.join(TASK_SORTS)}; this is {sort!r}."
            raise BadValue("not_allowed", detail, allowed=TASK_SORTS)
    if len({sort.key for sort in sorts}) < len(sorts):
        raise BadValue("repeated", "Each sort key may occur only once.")
    return sorts


_TASK = _plain(values.task_reference)
_YES_OR_NO = _or_none(_plain(values.boolean))
_PARSERS: Mapping[str, Parser] = {
    "ids": _all_of(_TASK),
    "projects": _all_of(_plain(values.project_reference)),
    "statuses": _all_of(lambda value, policy: policy.workflow.parse(value)),
    "categories": _all_of(_plain(parsing.one_of(Category))),
    "priorities": _all_of(_plain(parse_priority)),
    "assignee_ids": _all_of(_or_none(_plain(_user_id))),
    "created_by": _all_of(_plain(_actor_id)),
    "labels": _all_of(_plain(_label)),
    "parent_ids": _all_of(_or_none(_TASK)),
    "blocked_by": _all_of(_TASK),
    "blocked": _YES_OR_NO,
    "overdue": _YES_OR_NO,
    "dated": _YES_OR_NO,
    "due": _plain(_span),
    "created": _plain(_span),
    "updated": _plain(_span),
    "words": _plain(_words),
    "except_id": _TASK,
    "binned": _plain(values.boolean),
    "sort": _plain(_sort),
}
_USER_PARSERS: Mapping[str, Parser] = {
    "usernames": _all_of(_plain(values.username)),
    "words": _plain(_words),
    "roles": _all_of(_plain(parsing.one_of(Role))),
    "active": _YES_OR_NO,
}


def _table(
    kind: type[Any], parsers: Mapping[str, Parser]
) -> tuple[tuple[tuple[str, Any, Parser], ...], Callable[[Any], tuple[Any, ...]]]:
    """Returns the name, default and parser of each field, and a function that reads the fields of a query."""
    defaults = {field.name: field.default for field in fields(kind)}
    return tuple((name, defaults[name], parse) for name, parse in parsers.items()), attrgetter(*parsers)


_TABLES = {TaskQuery: _table(TaskQuery, _PARSERS), UserQuery: _table(UserQuery, _USER_PARSERS)}
