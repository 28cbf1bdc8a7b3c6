"""Names that have an order of their own."""

from __future__ import annotations

from enum import StrEnum


class Ranked(StrEnum):
    """Text that is equal to its name, but ordered by rank: the order in which the members are defined.

    Comparing with any other text raises `TypeError`, because it would compare the letters.
    """

    @property
    def rank(self) -> int:
        """The position among the members, from 0."""
        return list(type(self)).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < self._rank_of(other)

    def __le__(self, other: str) -> bool:
        return self.rank <= self._rank_of(other)

    def __gt__(self, other: str) -> bool:
        return self.rank > self._rank_of(other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= self._rank_of(other)

    def _rank_of(self, other: object) -> int:
        if isinstance(other, type(self)):
            return other.rank
        raise TypeError(
            f"{self!r} can be ordered only with another {type(self).__name__}, not with {other!r}."
        )
