"""Enumerations of names that are ordered by rank."""

from __future__ import annotations

from enum import StrEnum


class Ranked(StrEnum):
    """A name that is ordered by its rank, the order in which the members are defined.

    It is equal to the text of its name. Ordering it with any other text raises `TypeError`, because that
    would compare letters.
    """

    @property
    def rank(self) -> int:
        """The position among the members, counted from 0."""
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
