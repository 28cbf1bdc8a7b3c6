"""Search words: text split into words, without regard to case and accents."""

from __future__ import annotations

import re
import unicodedata

from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.values import MAX_TITLE_LENGTH

MAX_WORDS = 20
MAX_SEARCH_LENGTH = 200
_MAX_WORD_LENGTH = 64  # only the beginning of a longer word is compared
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_ACCENTS = dict.fromkeys(range(0x0300, 0x0370))


def folded(text: str) -> str:
    """Returns the text in lower case, without the accents of Latin, Greek and Cyrillic."""
    if text.isascii():
        return text.lower()
    # Casefolded after the decomposition, because that can produce capitals: "℡" becomes "TEL".
    return unicodedata.normalize("NFKD", text).casefold().translate(_WITHOUT_ACCENTS)


def title_key(title: str) -> str:
    """Returns the key by which titles are sorted: the first 200 characters of the folded title.

    Folding can make a title many times as long ("ﷺ" becomes 18 characters), and the key becomes part
    of a cursor, which has to fit into a URL.
    """
    return folded(title)[:MAX_TITLE_LENGTH]


def words_of(*texts: str) -> tuple[str, ...]:
    """Returns the words of the texts, folded, sorted and without duplicates."""
    words = {word[:_MAX_WORD_LENGTH] for text in texts for word in _WORD.findall(folded(text))}
    return tuple(sorted(words))


def parse_words(value: object) -> tuple[str, ...]:
    """Returns the words of a search. Raises `BadValue` for no words, too many words or too long text."""
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    if len(value) > MAX_SEARCH_LENGTH:
        raise BadValue(
            "too_long", f"Must have at most {MAX_SEARCH_LENGTH} characters; this has {len(value)}."
        )
    words = words_of(value)
    if not 1 <= len(words) <= MAX_WORDS:
        raise BadValue("no_words", f"Must have 1 to {MAX_WORDS} words; this has {len(words)}.")
    return words
