"""Whether a query asks for what there can be: a misspelt filter neither widens nor empties an answer.

The API has read its parameters before, so this is cheap where all is well. A script's query is
taken in the ways in which its commands are: names of priorities, labels in any case, lists.
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
    """Returns the query as the store understands it. Raises `Invalid` with all mistakes at once."""
    errors: list[FieldError] = []
    better: dict[str, Any] = {}
    table, read = _TABLES[type(query)]
    for (name, default, parse), given in zip(table, read(query), strict=True):
        if given is default:
            continue
        try:
            value = parse(given, policy)
        except BadValue as bad:
            errors.append(bad.at(f"query.{name}"))
        else:
            if value is not given:
                better[name] = value
    if errors:
        raise Invalid(errors)
    return replace(query, **better) if better else query


def _items(given: Any) -> tuple[Any, ...]:
    if isinstance(given, tuple):
        return given
    if isinstance(given, list | set | frozenset):
        return tuple(given)
    raise BadValue("wrong_type", f"Must be a tuple of values; this is {given!r}.")


def _all_of(parse: Parser) -> Parser:
    """A tuple, each value through the parser, and each once."""

    def parse_all(given: Any, policy: Policy) -> tuple[Any, ...]:
        items, found = _items(given), []
        for position, item in enumerate(items):
            try:
                found.append(parse(item, policy))
            except BadValue as bad:
                raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=str(position)) from bad
        kept = tuple(dict.fromkeys(found))
        # The types as well, because a priority is equal to its name.
        return items if kept == items and [*map(type, kept)] == [*map(type, items)] else kept

    return parse_all


def _or_none(parse: Parser) -> Parser:
    return lambda given, policy: None if given is None else parse(given, policy)


def _plain(parse: Callable[[Any], Any]) -> Parser:
    """For what no policy has a say in."""
    return lambda given, _: parse(given)


@lru_cache(maxsize=1_024)  # a label is read letter by letter
def _known_label(given: str) -> str:
    return values.label(given)


def _label(given: Any) -> str:
    return _known_label(given) if isinstance(given, str) else values.label(given)


def _user_id(given: Any) -> str:
    if values.is_identifier(given):
        return str(given)
    raise BadValue("bad_id", f"Must be a user's id, not a name; this is {given!r}.")


def _actor_id(given: Any) -> str:
    if isinstance(given, str) and given.startswith("system:"):
        return given
    return _user_id(given)


def _span(given: Any) -> Span:
    if not isinstance(given, Span):
        raise BadValue("wrong_type", "Must be a Span of dates or aware date-times.")
    for bound in (given.start, given.end):
        if not (bound is None or isinstance(bound, date)):
            raise BadValue("wrong_type", f"Must be from a date or an aware date-time; this is {bound!r}.")
        if isinstance(bound, datetime) and bound.tzinfo is None:
            raise BadValue("no_offset", "A date-time must have an offset.")
    return given


def _words(given: Any) -> tuple[str, ...]:
    words = _items(given)
    if not all(isinstance(word, str) and words_of(word) for word in words):
        raise BadValue("no_words", "Must be words.")
    found = words_of(*words)
    return words if found == words else found


def _sort(given: Any) -> tuple[Sort, ...]:
    if given in (NEWEST_FIRST, BEST_MATCH_FIRST):
        return tuple(given)
    sorts = _items(given)
    for sort in sorts:
        if not isinstance(sort, Sort) or sort.key not in TASK_SORTS:
            detail = f"Must be a Sort by one of: {', '.join(TASK_SORTS)}; this is {sort!r}."
            raise BadValue("not_allowed", detail, allowed=TASK_SORTS)
    if len({sort.key for sort in sorts}) < len(sorts):
        raise BadValue("repeated", "Each key may be there once.")
    return sorts


_ID = _plain(values.identifier)
_YES_OR_NO = _or_none(_plain(values.boolean))
_PARSERS: Mapping[str, Parser] = {
    "ids": _all_of(_ID),
    "statuses": _all_of(lambda given, policy: policy.workflow.parse(given)),
    "categories": _all_of(_plain(parsing.one_of(Category))),
    "priorities": _all_of(_plain(parse_priority)),
    "assignee_ids": _all_of(_or_none(_plain(_user_id))),
    "created_by": _all_of(_plain(_actor_id)),
    "labels": _all_of(_plain(_label)),
    "parent_ids": _all_of(_or_none(_ID)),
    "blocked_by": _all_of(_ID),
    "blocked": _YES_OR_NO,
    "overdue": _YES_OR_NO,
    "dated": _YES_OR_NO,
    "due": _plain(_span),
    "created": _plain(_span),
    "updated": _plain(_span),
    "words": _plain(_words),
    "except_id": _ID,
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
    """Returns each field's name, default and parser, and what reads these fields of a query."""
    defaults = {field.name: field.default for field in fields(kind)}
    return tuple((name, defaults[name], parse) for name, parse in parsers.items()), attrgetter(*parsers)


_TABLES = {TaskQuery: _table(TaskQuery, _PARSERS), UserQuery: _table(UserQuery, _USER_PARSERS)}
