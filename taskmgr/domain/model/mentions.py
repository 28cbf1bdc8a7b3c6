"""Mentions in Markdown: `@username` in a description or a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from taskmgr.domain.model import values
from taskmgr.domain.model.parsing import BadValue

_FENCED_CODE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_END_OF_PARAGRAPH = re.compile(r"\n[ \t]*\n")  # a code span does not go beyond it
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
# Not the @ of an e-mail address or a URL. The name is matched whole or not at all (`++`).
_MENTION = re.compile(r"(?<![\w.%+/@-])@([A-Za-z0-9._-]++)(?![\w@])")
_ENDS_SENTENCE = ".-"  # also valid in usernames, but at the end they are punctuation


def mentioned_usernames(text: str) -> tuple[str, ...]:
    """Returns the usernames that a text mentions, each once, in lower case; users may not have all of them.

    Code and e-mail addresses mention nobody.
    """
    return tuple(dict.fromkeys(_usernames(_FENCED_CODE.sub("", text))))


def new_mentions(before: str, after: str) -> tuple[str, ...]:
    """Returns the usernames that a text mentions, but did not mention before it was edited."""
    known = set(mentioned_usernames(before))
    return tuple(name for name in mentioned_usernames(after) if name not in known)


def _usernames(text: str) -> Iterator[str]:
    for paragraph in _END_OF_PARAGRAPH.split(text):
        for match in _MENTION.finditer(_CODE_SPAN.sub("``", paragraph)):
            try:
                yield values.username(match[1].rstrip(_ENDS_SENTENCE))
            except BadValue:
                continue
