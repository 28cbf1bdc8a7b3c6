"""How views answer: what was made or changed, and pages with their cursors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskmgr.api.conditional.versions import etag
from taskmgr.api.problems import ApiError
from taskmgr.api.runtime import cursors
from taskmgr.api.schemas.others import Listed
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.queries.pages import Page, PageRequest

_DRY = {"Dry-Run": "true"}


def created(thing: Any, location: str, dry_run: bool) -> Any:
    """A new thing and where it is; one made dry has no id and is nowhere."""
    if dry_run:
        return replace(thing, id=None), _DRY
    return thing, {"Location": location, **etag(thing)}


def changed(thing: Any, dry_run: bool) -> Any:
    """A thing after a command."""
    return thing, _DRY if dry_run else etag(thing)


def window_of(query: dict[str, Any], scope: object) -> PageRequest:
    """The page that a query asks for; its cursor must come from the same scope (filter and sort)."""
    after = None
    if query["cursor"] is not None:
        try:
            after = cursors().decode(query["cursor"], scope)
        except BadValue as bad:
            raise ApiError("malformed", bad.detail, errors=[bad.at("query.cursor")]) from bad
    return PageRequest(limit=query["limit"], after=after, with_total=query["total"])


def paged(page: Page[Any], scope: object, picked: tuple[str, ...] | None = None) -> Listed:
    """A page with the text of its next cursor, and of its rows only the picked keys."""
    return Listed(page, cursors().encode(page.next, scope), picked)
