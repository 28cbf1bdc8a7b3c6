"""The parser and the limits of each kind of value.

Interfaces and services call the same parsers, so each limit is defined here alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeGuard

from taskmgr.domain.model.parsing import BadValue, Parser, distinct, optional, parse_fields

MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 20_000
MAX_LABEL_LENGTH = 40
MAX_LABELS = 20
MAX_BLOCKERS = 50
MAX_NAME_LENGTH = 100
MAX_EMAIL_LENGTH = 254  # RFC 5321, 4.5.3.1.3: a path of 256 octets, less its brackets
MAX_REASON_LENGTH = 1_000
MAX_COMMENT_LENGTH = 10_000
MAX_TOKEN_NAME_LENGTH = 100

_ID = re.compile(r"[0-9a-f]{24}")
_USERNAME = re.compile(r"[a-z0-9._-]{3,40}")
_NUMBER = "-[1-9][0-9]{0,17}"
PROJECT_KEY_PATTERN = "[A-Za-z][A-Za-z0-9]{1,9}"
TASK_KEY_PATTERN = PROJECT_KEY_PATTERN + _NUMBER
# As keys are stored and shown: in upper case.
STORED_PROJECT_KEY_PATTERN = "[A-Z][A-Z0-9]{1,9}"
STORED_TASK_KEY_PATTERN = STORED_PROJECT_KEY_PATTERN + _NUMBER
_PROJECT_KEY = re.compile(PROJECT_KEY_PATTERN)
_TASK_KEY = re.compile(TASK_KEY_PATTERN)
# Deliberately loose: one @ with text on both sides and no blanks. Only delivering a mail proves more.
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
RESERVED_USERNAMES = frozenset({"me", "none"})  # values of parameters of the API
# Unicode's categories Cc and Cs (a lone surrogate cannot be stored as UTF-8). The first allows the tab and
# the line breaks; the second also forbids these and Unicode's own line breaks (Zl and Zp).
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_INVISIBLE = ("Cf", "Zs", "Zl", "Zp", "Cc", "Mn")


def text(value: object, *, max_length: int, min_length: int = 0, line_breaks: bool = False) -> str:
    """Returns trimmed text of `min_length` to `max_length` characters, without control characters.

    `line_breaks` allows line breaks and tabs. With a `min_length`, at least one character must be visible:
    neither white space nor zero-width.
    """
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    trimmed = _checked(value.strip(), max_length=max_length, line_breaks=line_breaks)
    if min_length and (len(trimmed) < min_length or not _is_visible(trimmed)):
        detail = f"Must have {min_length} to {max_length} characters, at least one of them visible."
        raise BadValue("blank", detail)
    return trimmed


def _checked(value: str, *, max_length: int, line_breaks: bool) -> str:
    if len(value) > max_length:  # checked first, because the search looks at every character
        raise BadValue("too_long", f"Must have at most {max_length} characters; this has {len(value)}.")
    if (_CONTROL if line_breaks else _CONTROL_OR_BREAK).search(value):
        raise BadValue("control_character", "Must not contain control characters.")
    return value


def _is_visible(value: str) -> bool:
    return any(unicodedata.category(c) not in _INVISIBLE for c in value)


def title(value: object) -> str:
    return text(value, min_length=1, max_length=MAX_TITLE_LENGTH)


def description(value: object) -> str:
    """Returns Markdown as it is, not trimmed: leading blanks have a meaning in it."""
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    return _checked(value, max_length=MAX_DESCRIPTION_LENGTH, line_breaks=True)


def reason(value: object) -> str:
    return text(value, min_length=1, max_length=MAX_REASON_LENGTH, line_breaks=True)


def comment_text(value: object) -> str:
    return text(value, min_length=1, max_length=MAX_COMMENT_LENGTH, line_breaks=True)


def label(value: object) -> str:
    lowered = text(value, min_length=1, max_length=MAX_LABEL_LENGTH).lower()
    if "," in lowered:
        raise BadValue("comma", "A label must not contain a comma.")
    if len(lowered) > MAX_LABEL_LENGTH:  # lower-casing can lengthen text: "İ" becomes two characters
        raise BadValue("too_long", f"Must have at most {MAX_LABEL_LENGTH} characters in lower case.")
    return lowered


def labels(value: object) -> tuple[str, ...]:
    return distinct(value, label, maximum=MAX_LABELS)


def blockers(value: object) -> tuple[str, ...]:
    """Returns the ids and keys of tasks."""
    return distinct(value, task_reference, maximum=MAX_BLOCKERS)


def task_reference(value: object) -> str:
    """Returns a task's id, or its key in upper case."""
    if is_identifier(value):
        return value
    if is_task_key(value):
        return value.upper()
    raise BadValue("bad_id", "Must be a task's id or key, such as OPS-17.")


def is_task_key(value: object) -> TypeGuard[str]:
    """Returns True for a task's key, such as `OPS-17`, in any case."""
    return isinstance(value, str) and _TASK_KEY.fullmatch(value) is not None


def project_key(value: object) -> str:
    """Returns a project's key in upper case."""
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    if not _PROJECT_KEY.fullmatch(value):
        detail = "Must be 2 to 10 characters, A to Z and 0 to 9, and begin with a letter, such as OPS."
        raise BadValue("bad_project_key", detail)
    return value.upper()


def project_reference(value: object) -> str:
    """Returns a project's id or its key, in the case in which it is given."""
    if not is_identifier(value):
        project_key(value)
    return str(value)


def stored_reference(reference: str) -> str:
    """Returns a project's key in upper case; an id and any other text stay as they are."""
    return reference.upper() if _PROJECT_KEY.fullmatch(reference) else reference


def identifier(value: object) -> str:
    if not is_identifier(value):
        raise BadValue("bad_id", "Must be an id: 24 lower-case hexadecimal digits.")
    return value


def is_identifier(value: object) -> TypeGuard[str]:
    """Returns True for text of 24 lower-case hexadecimal digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def username(value: object) -> str:
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    lowered = value.strip().lower()
    if not _USERNAME.fullmatch(lowered):
        raise BadValue(
            "bad_username", "Must be 3 to 40 characters: a to z, 0 to 9, dots, underscores, hyphens."
        )
    if lowered in RESERVED_USERNAMES or is_identifier(lowered):
        raise BadValue("reserved", "This name has another meaning in the API; choose another name.")
    return lowered


def user_key(value: object) -> str:
    """Returns a user's id or username, or `me`."""
    if value == "me" or is_identifier(value):
        return str(value)
    try:
        return username(value)
    except BadValue as bad:
        raise BadValue("bad_id", "Must be a user's id or username, or `me`.") from bad


def actor_key(value: object) -> str:
    """Returns a user's id or username, `me`, or the id of a system process (`system:…`)."""
    if isinstance(value, str) and value.startswith("system:"):
        return text(value, max_length=MAX_NAME_LENGTH)
    return str(value) if value == "me" or is_identifier(value) else username(value)


def person_name(value: object) -> str:
    return text(value, min_length=1, max_length=MAX_NAME_LENGTH)


def email(value: object) -> str:
    address = text(value, min_length=3, max_length=MAX_EMAIL_LENGTH)
    if not _EMAIL.fullmatch(address):
        raise BadValue("bad_email", "Must be an e-mail address.")
    return address


def email_key(address: str) -> str:
    """Returns a key that is equal for different spellings of one e-mail address.

    It is close to Unicode's NFKC_Casefold: it ignores case (`ΝΙΚΟΣ` and `νικος`, `STRASSE` and `straße`),
    the encoding of characters (composed or decomposed, full width) and invisible characters, but not
    accents: `jose@…` and `josé@…` are two addresses. Mail systems differ in which spellings they treat as
    equal; refusing a lookalike does less harm than accepting one.
    """
    key = address
    for _ in range(2):  # the first round can produce capitals: "℡" becomes "TEL"
        key = unicodedata.normalize("NFKC", key.casefold())
    return "".join(c for c in key if unicodedata.category(c) != "Cf")


def name_key(name: str) -> str:
    """Returns a key that is equal for different spellings of one name, by the rules of `email_key`."""
    return email_key(name)


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue("wrong_type", "Must be true or false.")
    return value


def count(value: object) -> int:
    return _whole_number(value, minimum=0, bits=31)


def version(value: object) -> int:
    return _whole_number(value, minimum=1, bits=63)


def _whole_number(value: object, *, minimum: int, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("wrong_type", "Must be a whole number.")
    if not minimum <= value < 2**bits:
        raise BadValue("out_of_range", f"Must be a whole number from {minimum} to {2**bits - 1}.")
    return value


# The options of commands, which are not stored in the entity.
OPTION_PARSERS: Mapping[str, Parser] = {
    "reason": optional(reason),
    "version": optional(version),
    "override": boolean,
    "dry_run": boolean,
    "expect": count,
    "atomic": boolean,
}


def parse_options(**options: Any) -> dict[str, Any]:
    """Returns the options of a command, parsed. Raises `Invalid` with all mistakes at once."""
    return parse_fields(options, OPTION_PARSERS)
