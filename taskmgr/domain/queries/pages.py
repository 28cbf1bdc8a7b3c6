"""Pages of a list: the request for one, the page itself, and the position between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: the last item seen, by its values of the sort keys and its id.

    The next page begins after it, whatever has been inserted or removed in between.
    """

    keys: tuple[Any, ...]
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """Requests at most `limit` items after a position, and with `with_total` the number of all items."""

    limit: int = DEFAULT_LIMIT
    after: Position | None = None
    with_total: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, in order.

    `next` is the position after which the next page begins, None on the last page. `total` is the number
    of all items, if it was requested. `as_of` is the value of `Health.latest_write` when the items were
    read, or an earlier one.
    """

    items: Sequence[T]
    next: Position | None = None
    total: int | None = None
    as_of: str | None = None


def iterate_pages(read_page: Callable[[PageRequest], Page[T]]) -> Iterator[T]:
    """Yields the items of all pages of a list, reading each page when its first item is needed."""
    page = read_page(PageRequest(limit=MAX_LIMIT))
    yield from page.items
    while page.next is not None:
        page = read_page(PageRequest(limit=MAX_LIMIT, after=page.next))
        yield from page.items
