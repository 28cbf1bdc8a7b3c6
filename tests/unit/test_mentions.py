"""Mentions: which usernames a text mentions, and which of them are new."""

from __future__ import annotations

import time

import pytest

from taskmgr.domain.model.mentions import mentioned_usernames, new_mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada", ["ada"]),
        ("Ask @ada, please.", ["ada"]),
        ("Ask @Ada.", ["ada"]),
        ("(@ada/@bob-2)", ["ada"]),
        ("@ada.lovelace's idea", ["ada.lovelace"]),
        ("@ada @bob @ada", ["ada", "bob"]),
        ("**@ada**: _look_", ["ada"]),
        ("@ada_", ["ada_"]),
        ("@ada- or @bob…", ["ada", "bob"]),
        ("first\n@ada\n", ["ada"]),
    ],
)
def test_an_at_sign_before_a_username_is_a_mention(text: str, names: list[str]) -> None:
    assert list(mentioned_usernames(text)) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@ ada",
        "@me",  # a word of the API, which no user can have as a name
        "@ab",
        "@" + "a" * 41,
        "ada@example.org",
        "mailto:x@ada.example",
        "@ada@example.org",
        "@ada.x@example.org",
        "https://example.org/@ada",
        "`@ada`",
        "`` a ` @ada ``",
        "```\n@ada\n```",
        "  ~~~ py\n@ada.setter\n~~~",
        "```\nnot closed @ada",
    ],
)
def test_code_addresses_and_other_words_mention_nobody(text: str) -> None:
    assert mentioned_usernames(text) == ()


def test_text_after_code_mentions_again() -> None:
    assert mentioned_usernames("```\n@ada\n```\n@bob and `@eve` and @dan") == ("bob", "dan")


def test_a_single_backtick_hides_no_mention_in_a_later_paragraph() -> None:
    assert mentioned_usernames("It's a ` here.\n\n@ada\n\nAnd ` there.") == ("ada",)


def test_only_mentions_that_an_edit_adds_are_new() -> None:
    assert new_mentions("Ask @ada.", "Ask @bob and @ada, `@eve`.") == ("bob",)


@pytest.mark.parametrize("part", ["`", "` ``", "@", "@a.", "```\n", "~~~ ", "\n\n"])
def test_reading_a_text_made_to_be_slow_takes_no_time(part: str) -> None:
    start = time.process_time()

    mentioned_usernames(part * (20_000 // len(part)))

    assert time.process_time() - start < 1
