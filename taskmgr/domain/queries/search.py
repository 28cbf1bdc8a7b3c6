"""What a search looks for: words and beginnings of words, without regard to case and accents."""

from __future__ import annotations

import re
import unicodedata

from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.values import MAX_TITLE_LENGTH

MAX_WORDS = 20
MAX_SEARCH_LENGTH = 200
_MAX_WORD_LENGTH = 64  # of what is longer only the beginning is compared
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_ACCENTS = dict.fromkeys(range(0x0300, 0x0370))


def folded(text: str) -> str:
    """Returns text without case, and without the accents of Latin, Greek and Cyrillic."""
    if text.isascii():
        return text.lower()
    # Casefolded after the decomposition, which can bring forth capitals: "℡" becomes "TEL".
    return unicodedata.normalize("NFKD", text).casefold().translate(_WITHOUT_ACCENTS)


def title_key(title: str) -> str:
    """Returns what a title is sorted by: the first 200 characters of the folded title.

    Folding can make a title many times as long ("ﷺ" becomes 18 characters), and the key becomes part
    of a cursor, which has to fit into a URL.
    """
    return folded(title)[:MAX_TITLE_LENGTH]


def words_of(*texts: str) -> tuple[str, ...]:
    """The words of texts, folded, each once and in order."""
    found = {word[:_MAX_WORD_LENGTH] for text in texts for word in _WORD.findall(folded(text))}
    return tuple(sorted(found))


def parse_words(value: object) -> tuple[str, ...]:
    """The words that a search looks for, at least one."""
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    if len(value) > MAX_SEARCH_LENGTH:
        raise BadValue("too_long", f"Must be at most {MAX_SEARCH_LENGTH} characters; this has {len(value)}.")
    words = words_of(value)
    if not 1 <= len(words) <= MAX_WORDS:
        raise BadValue("no_words", f"Must have 1 to {MAX_WORDS} words; this has {len(words)}.")
    return words
