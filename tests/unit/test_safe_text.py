"""Text from outside cannot steer a terminal or forge a line."""

from __future__ import annotations

import unicodedata

import pytest

from taskmgr.domain.model.safe_text import without_controls


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Größe 🚀 日本", "Größe 🚀 日本"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\r\nb\tc\x00\x7f", "a\\u000d\\u000ab\\u0009c\\u0000\\u007f"),
        ("\x9b31m", "\\u009b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_control_characters_are_escaped_and_nothing_else(text: str, safe: str) -> None:
    assert without_controls(text) == safe


def test_no_control_character_passes() -> None:
    everything = "".join(map(chr, range(0x110000)))

    assert not {c for c in without_controls(everything) if unicodedata.category(c) in ("Cc", "Cs")}
    kept = {c for c in without_controls(everything, keep_lines=True) if unicodedata.category(c) == "Cc"}
    assert kept == {"\t", "\n"}
