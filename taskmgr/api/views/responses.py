"""Builds what several views return: something created or changed, and pages with their cursors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskmgr.api.conditional.versions import etag
from taskmgr.api.runtime import cursors
from taskmgr.api.schemas.pages import PageResult
from taskmgr.domain.queries.pages import Page, PageRequest

DRY_RUN_HEADER = {"Dry-Run": "true"}


def created(entity: Any, location: str, dry_run: bool) -> Any:
    """Returns a new entity with its location; without id and location if it was a dry run."""
    if dry_run:
        return replace(entity, id=None), DRY_RUN_HEADER
    return entity, {"Location": location, **etag(entity)}


def changed(entity: Any, dry_run: bool) -> Any:
    """Returns an entity after a command, with its new ETag."""
    return entity, DRY_RUN_HEADER if dry_run else etag(entity)


def build_page_request(params: dict[str, Any], list_key: object) -> PageRequest:
    """Returns the page to read. Raises `malformed` for a cursor of another list.

    `list_key` is whatever makes two lists different: their kind, filters and sort. The cursor is bound to it.
    """
    cursor = params["cursor"]
    after = None if cursor is None else cursors().decode(cursor, list_key)
    return PageRequest(limit=params["limit"], after=after, with_total=params["total"])


def build_page(page: Page[Any], list_key: object, keys: tuple[str, ...] | None = None) -> PageResult:
    """Returns a page with the cursor of the next one. Its rows show these keys; None for all."""
    return PageResult(page, cursors().encode(page.next, list_key), keys)
