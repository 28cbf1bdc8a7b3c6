"""Describes the domain's values in JSON Schema, for OpenAPI. The domain's parsers check them.

The patterns use only what all dialects of regular expressions support. Where a parser requires a visible
character, they therefore only require one that is not white space.
"""

from __future__ import annotations

from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.due_date import EARLIEST, LATEST

ID = "^[0-9a-f]{24}$"
PROJECT_KEY = f"^{values.PROJECT_KEY_PATTERN}$"
# In responses.
STORED_PROJECT_KEY = f"^{values.STORED_PROJECT_KEY_PATTERN}$"
STORED_TASK_KEY = f"^{values.STORED_TASK_KEY_PATTERN}$"
DELIVERY = "^[0-9a-f]{24}:[1-9][0-9]{0,15}$"
# An id or a key, of a project and of a task.
PROJECT = f"^([0-9a-f]{{24}}|{values.PROJECT_KEY_PATTERN})$"
TASK = f"^([0-9a-f]{{24}}|{values.TASK_KEY_PATTERN})$"
# A place in the order by hand: an object with exactly one of these.
PLACES: dict[str, dict[str, Any]] = {
    **{
        side: {
            "type": "string",
            "pattern": TASK,
            "description": f"The id or the key of the task that it comes directly {side}.",
        }
        for side in ("before", "after")
    },
    "first": {"type": "boolean", "const": True},
    "last": {"type": "boolean", "const": True},
}
ONE_PLACE = [{"required": [side]} for side in PLACES]
RANK = {
    "description": "A place in the order by hand of the project.",
    "properties": PLACES,
    "oneOf": ONE_PLACE,
    "additionalProperties": False,
}
# Control characters, first without line breaks and tabs, then with them.
_CONTROL = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_BREAKING = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"


def _filled(excluded: str) -> str:
    """Returns a pattern for text that is not blank and, white space at its ends apart, has none of these."""
    return rf"^\s*[^{excluded}\s]([^{excluded}]*[^{excluded}\s])?\s*$"


def line(max_length: int) -> dict[str, Any]:
    """Returns the schema of one line of text that is not blank."""
    return {"minLength": 1, "maxLength": max_length, "pattern": _filled(_BREAKING)}


def text(max_length: int) -> dict[str, Any]:
    """Returns the schema of text of any number of lines that is not blank."""
    return {"minLength": 1, "maxLength": max_length, "pattern": _filled(_CONTROL)}


DESCRIPTION = {"maxLength": values.MAX_DESCRIPTION_LENGTH, "pattern": f"^[^{_CONTROL}]*$"}
LABEL = {"minLength": 1, "maxLength": values.MAX_LABEL_LENGTH, "pattern": _filled(_BREAKING + ",")}
LABEL_PREFIX = {"maxLength": values.MAX_LABEL_LENGTH, "pattern": f"^[^{_BREAKING}]*$"}
USERNAME = {
    "pattern": r"^\s*[A-Za-z0-9._-]{3,40}\s*$",
    "not": {"pattern": r"^\s*([Nn][Oo][Nn][Ee]|[0-9A-Fa-f]{24})\s*$"},
    "description": "Converted to lower case. `me`, `none` and everything that looks like an id are reserved.",
}
EMAIL = {
    "minLength": 3,
    "maxLength": values.MAX_EMAIL_LENGTH,
    "pattern": r'^\s*[^\s@,;<>"{0}]+@[^\s@,;<>"{0}]+\s*$'.replace("{0}", _BREAKING),
}
VERSION = {"minimum": 1, "maximum": 2**63 - 1}
SOMEBODY = "^([A-Za-z0-9._-]{3,40}|me)$"
ACTOR = rf"^([A-Za-z0-9._-]{{3,40}}|me|system:[^{_BREAKING}]{{0,{values.MAX_NAME_LENGTH - 7}}})$"

_YEARS = "^(19[7-9][0-9]|[2-9][0-9]{3})-"
_SPAN = f"in the years {EARLIEST.year} to {LATEST.year}"
MOMENT = {
    "format": "date-time",
    "pattern": _YEARS,
    "description": f"A date-time with an offset, {_SPAN}.",
}
DATE = {"format": "date", "pattern": _YEARS, "examples": ["2026-12-01"]}
DATE_OR_MOMENT = {
    "anyOf": [
        {"type": "string", "format": "date", "pattern": _YEARS},
        {"type": "string", "format": "date-time", "pattern": _YEARS},
    ],
    "examples": ["2026-12-01", "2026-12-01T17:00:00.000Z"],
}
DUE_DATE = DATE_OR_MOMENT | {
    "description": "A date (due as that day ends in the service's time zone) or a date-time with an "
    f"offset, {_SPAN}."
}
