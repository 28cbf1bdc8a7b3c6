"""A place in the feed, and the text by which clients remember it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from taskmgr.domain.history.chain import GENESIS
from taskmgr.domain.model.parsing import BadValue

_CHECK_LENGTH = 6  # hexadecimal digits
PATTERN = f"^(0|[1-9][0-9]{{0,17}}-[0-9a-f]{{{_CHECK_LENGTH}}})$"
_TEXT = re.compile(PATTERN.removesuffix("$") + r"\Z")


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """The place after the entry with the number `seq`; 0 is the beginning of the feed.

    `check` is the beginning of the entry's hash. It shows whether the feed still has the same history: after
    a backup has been restored, other entries get the numbers that were given before.
    """

    seq: int
    check: str

    @classmethod
    def after(cls, seq: int, digest: bytes) -> FeedPosition:
        """Returns the place after an entry with this number and hash."""
        return cls(seq, digest.hex()[:_CHECK_LENGTH])

    def __str__(self) -> str:
        return f"{self.seq}-{self.check}" if self.seq else "0"


BEGINNING = FeedPosition.after(0, GENESIS)


def parse_position(text: object) -> FeedPosition:
    """Returns the place that a text stands for: a number and its check, or `0`. Raises `BadValue`."""
    if isinstance(text, FeedPosition):
        return text
    if not isinstance(text, str) or not _TEXT.match(text):
        raise BadValue("bad_position", "Must be a position in the feed, such as 17-1f0a9c, or 0.")
    seq, _, check = text.partition("-")
    return FeedPosition(int(seq), check) if check else BEGINNING
