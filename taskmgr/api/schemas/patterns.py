"""What JSON Schema can say of the domain's values, for OpenAPI. The judges are the domain's parsers.

The patterns are such as every dialect reads: of what shows, they only say that it is no white space.
"""

from __future__ import annotations

from typing import Any

from taskmgr.domain.model import values
from taskmgr.domain.model.due_date import EARLIEST, LATEST

ID = "^[0-9a-f]{24}$"
# Control characters, without and with line breaks and tabs among them.
_CONTROL = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_BREAKING = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"


def _filled(excluded: str) -> str:
    """Something other than white space, white space around it, and nothing that is excluded."""
    return rf"^\s*[^{excluded}\s]([^{excluded}]*[^{excluded}\s])?\s*$"


def line(longest: int) -> dict[str, Any]:
    """Text in one line that is not blank."""
    return {"minLength": 1, "maxLength": longest, "pattern": _filled(_BREAKING)}


def text(longest: int) -> dict[str, Any]:
    """Text of several lines that is not blank."""
    return {"minLength": 1, "maxLength": longest, "pattern": _filled(_CONTROL)}


DESCRIPTION = {"maxLength": values.MAX_DESCRIPTION_LENGTH, "pattern": f"^[^{_CONTROL}]*$"}
LABEL = {"minLength": 1, "maxLength": values.MAX_LABEL_LENGTH, "pattern": _filled(_BREAKING + ",")}
LABEL_PREFIX = {"maxLength": values.MAX_LABEL_LENGTH, "pattern": f"^[^{_BREAKING}]*$"}
USERNAME = {
    "pattern": r"^\s*[A-Za-z0-9._-]{3,40}\s*$",
    "not": {"pattern": r"^\s*([Nn][Oo][Nn][Ee]|[0-9A-Fa-f]{24})\s*$"},
    "description": "Capitals are lower-cased. `me`, `none` and what looks like an id are taken.",
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
