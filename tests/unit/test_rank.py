"""Ranks: there is always room between two, and the rank of a new task is the last."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from taskmgr.domain.model.rank import FIRST, between, rank_of, spread

NUMBERS = st.integers(min_value=1, max_value=10**18)
# Places between the ranks of a list, and before the first of them, as fractions.
PLACES = st.lists(st.floats(0, 1, exclude_max=True) | st.just(0.0), max_size=120)


@given(NUMBERS, NUMBERS)
@example(61, 62)
@example(61**2, 61**2 + 1)
def test_ranks_of_numbers_sort_like_the_numbers(one: int, other: int) -> None:
    assert (rank_of(one) < rank_of(other)) == (one < other)
    assert not rank_of(one).endswith("0")


@given(PLACES)
def test_there_is_room_between_any_two_ranks(places: list[float]) -> None:
    ranks = [FIRST, rank_of(1), rank_of(2)]
    for place in places:
        position = 1 + int(place * (len(ranks) - 1))
        ranks.insert(position, between(ranks[position - 1], ranks[position]))
    assert ranks == sorted(set(ranks))
    assert not any(rank.endswith("0") for rank in ranks)


@given(NUMBERS, st.integers(1, 300))
def test_spread_ranks_are_in_order_and_short(number: int, count: int) -> None:
    low, high = rank_of(number), rank_of(number + 1)
    ranks = spread(low, high, count)
    assert len(ranks) == count
    assert [low, *ranks, high] == sorted({low, *ranks, high})
    assert max(map(len, ranks)) <= len(low) + 3


def test_a_gap_takes_hundreds_of_ranks_before_they_are_long() -> None:
    low, high = rank_of(5), rank_of(6)
    for _ in range(300):
        high = between(low, high)
    assert len(high) <= 60
