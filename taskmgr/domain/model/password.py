"""Which passwords are acceptable, and the form in which they are compared."""

from __future__ import annotations

import unicodedata

from taskmgr.domain.model.common_passwords import COMMON_PASSWORDS
from taskmgr.domain.model.parsing import BadValue

MIN_LENGTH = 12
MAX_LENGTH = 256
# Beyond this, text is not a password, and normalising it would only cost time.
MAX_TYPED_LENGTH = 4 * MAX_LENGTH
_LONGEST_REPEATED = 4  # characters
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")


def typed_password(value: object) -> str:
    """Returns a password as somebody has typed it, right or wrong, in Unicode's form NFKC.

    The same password is typed as different characters on different keyboards.
    """
    if not isinstance(value, str):
        raise BadValue("wrong_type", "Must be text.")
    if len(value) > MAX_TYPED_LENGTH:
        raise BadValue("too_long", f"Must have at most {MAX_TYPED_LENGTH:,} characters.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise BadValue("control_character", "Must not contain lone surrogates.")
    return unicodedata.normalize("NFKC", value)


def new_password(value: object, username: str) -> str:
    """Returns a new password in the form NFKC; any characters are allowed. No error quotes it."""
    password = typed_password(value)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        code = "too_short" if len(password) < MIN_LENGTH else "too_long"
        detail = f"Must have {MIN_LENGTH} to {MAX_LENGTH} characters; this has {len(password)}."
        raise BadValue(code, detail)
    folded = password.casefold()
    if folded == username.casefold():
        raise BadValue("like_username", "Must not be the username.")
    if folded in COMMON_PASSWORDS or _is_repeated(folded) or _is_row(folded):
        raise BadValue("too_common", "Is too common, and would be guessed first: choose another one.")
    return password


def _is_repeated(text: str) -> bool:
    """Returns True if the text repeats its first few characters, as `abcabcabcabc` does."""
    return any(text == (text[:length] * len(text))[: len(text)] for length in range(1, _LONGEST_REPEATED + 1))


def _is_row(text: str) -> bool:
    """Returns True if the text is a part of the alphabet, the digits or the keyboard, in either direction."""
    return any(text in row or text[::-1] in row for row in _ROWS)
