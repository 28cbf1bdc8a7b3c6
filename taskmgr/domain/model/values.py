"""What a single value may be: each function takes a raw value and returns the value to keep.

A function raises `BadValue` for what no task or user can hold. Interfaces and services call the
same functions, so a limit stands in one place; a value that went through once goes through
unchanged again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeGuard, TypeVar

from taskmgr.domain.model.errors import FieldError, Invalid

E = TypeVar("E", bound=Enum)

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
_MAX_REPEATS = 10  # how often, on average, each item of a list may be repeated

_ID = re.compile(r"[0-9a-f]{24}")
_USERNAME = re.compile(r"[a-z0-9._-]{3,40}")
# Deliberately loose: one @, something on both sides, no blanks. Only a delivered mail proves more.
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
RESERVED_USERNAMES = frozenset({"me", "none"})
# Categories Cc and Cs (a lone surrogate is no character and cannot be stored as UTF-8), but for the tab
# and the line breaks; and with these, and with what Unicode has for the same (Zl and Zp).
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class BadValue(ValueError):
    """One value is not acceptable; `within` names the place inside it, when it is a list."""

    def __init__(
        self, code: str, detail: str, *, allowed: Collection[Any] | None = None, within: str = ""
    ) -> None:
        self.code = code
        self.detail = detail
        self.allowed = None if allowed is None else tuple(allowed)
        self.within = within
        super().__init__(detail)

    def at(self, location: str) -> FieldError:
        """This mistake as a `FieldError` for the named field."""
        where = f"{location}.{self.within}" if self.within else location
        return FieldError(location=where, code=self.code, detail=self.detail, allowed=self.allowed)


def parse_fields(raw: Mapping[str, Any], parsers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Every raw value through the parser of its name; raises `Invalid` with all mistakes at once."""
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in raw.items():
        if name not in parsers:
            errors.append(unknown_field(name, parsers))
            continue
        try:
            values[name] = parsers[name](value)
        except BadValue as bad:
            errors.append(bad.at(name))
    if errors:
        raise Invalid(errors)
    return values


def unknown_field(name: str, known: Iterable[str]) -> FieldError:
    """The mistake of naming a field that does not exist, with those that do."""
    return FieldError(
        location=name, code="unknown_field", detail="There is no such field.", allowed=tuple(known)
    )


def optional(parser: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same parser, letting None through."""
    return lambda value: None if value is None else parser(value)


def null_as(parser: Callable[[Any], Any], empty: object) -> Callable[[Any], Any]:
    """The same parser, taking None for what is empty."""
    return lambda value: parser(empty if value is None else value)


def not_null(parser: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same parser, for what cannot be empty."""

    def parse(value: Any) -> Any:
        if value is None:
            raise BadValue("null", "Must not be null.")
        return parser(value)

    return parse


def text(value: object, *, max_length: int, min_length: int = 0, line_breaks: bool = False) -> str:
    """Trimmed text of `min_length` to `max_length` characters, without control characters.

    `breaks` lets line breaks and tabs through. Characters that do not show (white space,
    zero-width) do not count as content: text of nothing else is as good as none.
    """
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    trimmed = _checked(value.strip(), max_length=max_length, line_breaks=line_breaks)
    if min_length and (len(trimmed) < min_length or not _shows(trimmed)):
        raise BadValue("blank", f"Must be {min_length} to {max_length} characters that show.")
    return trimmed


def _checked(value: str, *, max_length: int, line_breaks: bool) -> str:
    if len(value) > max_length:  # first: a megabyte is not worth a look at each of its characters
        raise BadValue("too_long", f"Must be at most {max_length} characters; these are {len(value)}.")
    if (_CONTROL if line_breaks else _CONTROL_OR_BREAK).search(value):
        raise BadValue("control_character", "Must not contain control characters.")
    return value


def _shows(value: str) -> bool:
    return any(unicodedata.category(c) not in ("Cf", "Zs", "Zl", "Zp", "Cc", "Mn") for c in value)


def title(value: object) -> str:
    return text(value, min_length=1, max_length=MAX_TITLE_LENGTH)


def description(value: object) -> str:
    """Markdown: kept as it is, leading blanks and all, since they carry meaning there."""
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
    if len(lowered) > MAX_LABEL_LENGTH:  # lower-casing can lengthen: "İ" becomes two characters
        raise BadValue("too_long", f"Must be at most {MAX_LABEL_LENGTH} characters.")
    return lowered


def labels(value: object) -> tuple[str, ...]:
    return _distinct(value, label, maximum=MAX_LABELS)


def task_ids(value: object) -> tuple[str, ...]:
    return _distinct(value, identifier, maximum=MAX_BLOCKERS)


def _distinct(value: object, parser: Callable[[object], str], *, maximum: int) -> tuple[str, ...]:
    """A list without duplicates, in the order of the items."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise BadValue("wrong_type", "Must be a list.")
    if len(value) > maximum * _MAX_REPEATS:  # a megabyte of them is not worth a look at each
        raise BadValue("too_many", f"Must be at most {maximum}; these are {len(value)}.")
    found: dict[str, None] = {}
    for position, item in enumerate(value):
        try:
            found[parser(item)] = None
        except BadValue as bad:
            raise BadValue(bad.code, bad.detail, allowed=bad.allowed, within=str(position)) from bad
    if len(found) > maximum:
        raise BadValue("too_many", f"Must be at most {maximum}; these are {len(found)}.")
    return tuple(found)


def identifier(value: object) -> str:
    if not is_identifier(value):
        raise BadValue("bad_id", "Must be an id: 24 lower-case hexadecimal digits.")
    return value


def is_identifier(value: object) -> TypeGuard[str]:
    """Whether this is 24 lower-case hexadecimal digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def username(value: object) -> str:
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    lowered = value.strip().lower()
    if not _USERNAME.fullmatch(lowered):
        raise BadValue("bad_username", "Must be 3 to 40 characters of a-z, 0-9, dot, underscore, dash.")
    if lowered in RESERVED_USERNAMES or is_identifier(lowered):
        raise BadValue("reserved", "This name means something else in the API; choose another.")
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
    """An id, a username, `me`, or a system process (`system:…`)."""
    if isinstance(value, str) and value.startswith("system:"):
        return text(value, max_length=MAX_NAME_LENGTH)
    return value if value == "me" or is_identifier(value) else username(value)


def person_name(value: object) -> str:
    return text(value, min_length=1, max_length=MAX_NAME_LENGTH)


def email(value: object) -> str:
    address = text(value, min_length=3, max_length=MAX_EMAIL_LENGTH)
    if not _EMAIL.fullmatch(address):
        raise BadValue("bad_email", "Must be an e-mail address.")
    return address


def email_key(address: str) -> str:
    """Returns what two spellings of one e-mail address have in common.

    This is close to Unicode's NFKC_Casefold: it ignores case (`ΝΙΚΟΣ` and `νικος`, `STRASSE` and
    `straße`), the encoding of a character (composed or decomposed, full width) and characters that do
    not show, but not accents: `jose@…` and `josé@…` are two addresses. Mail systems differ in what
    they hold for the same, and a refused lookalike does less harm than one that gets through.
    """
    key = address
    for _ in range(2):  # the first round can bring forth capitals, as of "℡"
        key = unicodedata.normalize("NFKC", key.casefold())
    return "".join(c for c in key if unicodedata.category(c) != "Cf")


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue("wrong_type", "Must be true or false.")
    return value


def count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("wrong_type", "Must be a whole number.")
    if not 0 <= value < 2**31:
        raise BadValue("out_of_range", "Must be a whole number from 0.")
    return value


def version(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue("wrong_type", "Must be a whole number.")
    if not 1 <= value < 2**63:
        raise BadValue("out_of_range", "Must be a version: a whole number from 1.")
    return value


# What a command may be given besides the values that it stores.
OPTION_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "reason": optional(reason),
    "version": optional(version),
    "override": boolean,
    "dry_run": boolean,
    "expect": count,
    "atomic": boolean,
}


def parse_options(**raw: Any) -> dict[str, Any]:
    """Returns the options of a command as it uses them. Raises `Invalid` with all mistakes at once."""
    return parse_fields(raw, OPTION_PARSERS)


def one_of_names(names: Collection[str]) -> Callable[[object], str]:
    """A parser for one of a few names."""

    def parse(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise not_allowed(names)

    return parse


def not_allowed(names: Collection[str]) -> BadValue:
    """The mistake of naming something that is not among the names there are."""
    return BadValue("not_allowed", f"Must be one of: {', '.join(names)}.", allowed=names)


def one_of(kind: type[E]) -> Callable[[object], E]:
    """A parser for the values of an enumeration, by name."""
    members = {member.value: member for member in kind}

    def parse(value: object) -> E:
        if isinstance(value, kind):
            return value
        if isinstance(value, str) and value in members:
            return members[value]
        raise not_allowed(members)

    return parse
