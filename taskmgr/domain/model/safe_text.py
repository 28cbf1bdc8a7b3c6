"""Makes text from outside safe to show: in a log, on a terminal, in a response."""

from __future__ import annotations

import re

# A token (`tm_`), a session (`tms_`) or a sign-in link (`tml_`) as it is pasted, perhaps damaged; the id of
# a real one has 24 digits.
_SECRET = re.compile(r"(tm[ls]?_[0-9a-f]{8,}_)[A-Za-z0-9_-]+")
# Control characters (a terminal obeys C1 too), lone surrogates, and what reorders the text around it:
# https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
_BEYOND_ASCII = "\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE = re.compile(f"[\x00-\x1f{_BEYOND_ASCII}]")
_UNSAFE_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_BEYOND_ASCII}]")


def without_secrets(text: str) -> str:
    """Returns the text with every token, session and link in it cut to its id: `tm_<id>_…`."""
    return _SECRET.sub(r"\1…", text) if "tm" in text else text


def without_controls(text: str, *, keep_lines: bool = False) -> str:
    r"""Returns the text with its control characters escaped as in JSON: `\u001b` for an escape.

    With `keep_lines`, tabs and line feeds stay.
    """
    if text.isprintable():
        return text
    unsafe = _UNSAFE_IN_LINES if keep_lines else _UNSAFE
    return unsafe.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
