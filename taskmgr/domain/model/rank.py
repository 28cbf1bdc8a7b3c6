"""Ranks: texts whose byte order (`Z4` before `a1`) is the order by hand of the tasks of a project.

Between any two different ranks there is room for another (fractional indexing), so moving a task changes
only that task. The rank of a new task follows from its number and is greater than all others, so a create
reads no rank (docs/decisions/0030).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_BASE = len(_DIGITS)
FIRST = ""  # less than every rank
MAX_LENGTH = 60  # of a rank that is given without spreading the ranks around it
_NUMBERS = range(-(10**18), 10**18)  # as many as keys can have


def rank_of(number: int) -> str:
    """Returns the rank of the task of this number, before anybody moves it; it increases with the number.

    It is the number to the base of 61, after a letter for its length. The digits begin with 1, because a
    rank must not end in 0: there would be no room between `b1` and `b10`. Numbers below 0, which no task
    has, give ranks for tasks that are moved to the first place; their letters are capitals.
    """
    is_negative, digits = number < 0, ""
    rest = ~number if is_negative else number
    while rest or not digits:
        rest, digit = divmod(rest, _BASE - 1)
        digits = _DIGITS[_BASE - 1 - digit if is_negative else digit + 1] + digits
    letter = ord("Z") - len(digits) + 1 if is_negative else ord("a") + len(digits) - 1
    return chr(letter) + digits


def number_rank_below(rank: str) -> str:
    """Returns the greatest rank of a number that is less than this rank."""
    return rank_of(_NUMBERS[bisect_left(_NUMBERS, rank, key=rank_of) - 1])


def number_rank_above(rank: str) -> str:
    """Returns the least rank of a number that is greater than this rank.

    If this is the last rank of a project, no task that is created later gets a lesser one.
    """
    return rank_of(_NUMBERS[bisect_right(_NUMBERS, rank, key=rank_of)])


def next_to(low: str | None, high: str | None) -> str:
    """Returns a rank between those of two neighbours, one of which may be missing.

    Before the first task it is the rank of a number, so it stays short however often that is done. After the
    last task it is less than the rank of every task that is created later.
    """
    if low is None:
        return number_rank_below(str(high))
    return between(low, number_rank_above(low) if high is None else high)


def between(low: str, high: str) -> str:
    """Returns a rank greater than `low`, which may be `FIRST`, and less than `high`.

    It is as short as possible, and in the middle as far as its length allows. Requires `low < high`, both
    without a final 0; so has the result.
    """
    shared = 0
    while (low[shared : shared + 1] or "0") == high[shared]:
        shared += 1
    below, above = _VALUES[low[shared : shared + 1] or "0"], _VALUES[high[shared]]
    if above - below > 1:
        return high[:shared] + _DIGITS[(below + above + 1) // 2]
    if shared + 1 < len(high):
        return high[: shared + 1]
    return high[:shared] + _DIGITS[below] + _after(low[shared + 1 :])


def _after(digits: str) -> str:
    """Returns the shortest digits that sort after these."""
    for position, digit in enumerate(digits):
        if _VALUES[digit] < _BASE - 1:
            return digits[:position] + _DIGITS[(_VALUES[digit] + _BASE) // 2]
    return digits + _DIGITS[_BASE // 2]


def spread(low: str, high: str, count: int) -> list[str]:
    """Returns `count` ranks in ascending order between `low` and `high`, all of them about equally short."""
    if count == 0:
        return []
    middle = between(low, high)
    left = (count - 1) // 2
    return [*spread(low, middle, left), middle, *spread(middle, high, count - 1 - left)]
