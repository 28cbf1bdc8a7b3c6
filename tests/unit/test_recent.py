"""The cache of recently built records, and its size."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from taskmgr.infrastructure.mongo.reads.task_records import MAX_ROW_BYTES, RecentCache


class Maker:
    """Decodes rows, and remembers which."""

    def __init__(self) -> None:
        self.made: list[bytes] = []

    def __call__(self, raws: Sequence[bytes | memoryview]) -> list[str]:
        made = [bytes(raw) for raw in raws]
        self.made += made
        return [raw.decode() for raw in made]


@pytest.fixture
def make() -> Maker:
    return Maker()


def test_results_come_in_the_order_of_the_rows(make: Maker) -> None:
    recent = RecentCache(make)
    recent.of([b"b"])

    assert recent.of([b"c", b"b", b"a"]) == ["c", "b", "a"]


def test_the_same_row_is_built_once(make: Maker) -> None:
    recent = RecentCache(make)
    first, second = recent.of([b"a"]), recent.of([b"a"])

    assert first[0] is second[0]
    assert make.made == [b"a"]


def test_a_view_of_the_same_bytes_is_the_same_row(make: Maker) -> None:
    recent = RecentCache(make)
    recent.of([memoryview(b"a")])

    assert recent.of([b"a", memoryview(b"a")]) == ["a", "a"]
    assert make.made == [b"a"]


def test_a_row_that_is_too_long_is_built_again(make: Maker) -> None:
    recent, long, longest = RecentCache(make), b"l" * (MAX_ROW_BYTES + 1), b"k" * MAX_ROW_BYTES
    for _ in range(2):
        recent.of([long, longest])

    assert make.made == [long, longest, long]


def test_rows_that_are_not_requested_again_are_dropped(make: Maker) -> None:
    recent = RecentCache(make, max_size=4)
    recent.of([b"a", b"b", b"c", b"d", b"e"])
    make.made.clear()
    recent.of([b"a", b"e"])

    assert make.made == [b"a"]


def test_a_row_that_is_requested_repeatedly_stays(make: Maker) -> None:
    recent = RecentCache(make, max_size=4)
    for number in range(100):
        recent.of([b"a", b"%d" % number])

    assert make.made.count(b"a") == 1


def test_the_cache_never_exceeds_its_maximum_size(make: Maker) -> None:
    recent, numbers = RecentCache(make, max_size=4), [b"%d" % number for number in range(100)]
    recent.of(numbers)
    make.made.clear()
    recent.of(numbers[::-1])

    assert len(make.made) >= len(numbers) - 4
