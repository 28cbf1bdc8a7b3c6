"""The parsers of single values, at the edges of every limit."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.priority import Priority

Parser = Callable[[Any], Any]

# Invisible characters: text of nothing else is refused as blank.
INVISIBLE = [
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u00a0",
    "\u3000",
    "\u2003",
    "\u200e",
]
CONTROL = ["\x00", "\x01", "\x07", "\x1b", "\x7f", "\x80", "\x9f"]
LONE_SURROGATES = ["\ud800", "\udfff", "\udc80"]
LINE_ENDS = ["\n", "\r", "\t", "\u2028", "\u2029"]


def mistake(parser: Parser, value: object) -> BadValue:
    with pytest.raises(BadValue) as caught:
        parser(value)
    return caught.value


# --- lengths, each at its edge

SINGLE_LINES: list[tuple[Parser, int]] = [
    (values.title, 200),
    (values.person_name, 100),
    (values.label, 40),
]
SEVERAL_LINES: list[tuple[Parser, int]] = [
    (values.reason, 1_000),
    (values.comment_text, 10_000),
]
REQUIRED = [*SINGLE_LINES, *SEVERAL_LINES]
TEXTS = [*REQUIRED, (values.description, 20_000)]
texts = pytest.mark.parametrize(("parser", "limit"), TEXTS)
required_texts = pytest.mark.parametrize(("parser", "limit"), REQUIRED)
single_lines = pytest.mark.parametrize(("parser", "limit"), SINGLE_LINES)
several_lines = pytest.mark.parametrize(("parser", "limit"), [*SEVERAL_LINES, (values.description, 20_000)])


@texts
def test_text_may_be_as_long_as_its_limit(parser: Parser, limit: int) -> None:
    assert parser("x" * limit) == "x" * limit


@texts
def test_text_may_not_be_longer_than_its_limit(parser: Parser, limit: int) -> None:
    assert mistake(parser, "x" * (limit + 1)).code == "too_long"


@texts
def test_characters_are_counted_and_not_bytes(parser: Parser, limit: int) -> None:
    assert parser("🚀" * limit) == "🚀" * limit


@required_texts
def test_blanks_around_a_text_do_not_count(parser: Parser, limit: int) -> None:
    assert parser(f"  {'x' * limit}\t\n ") == "x" * limit


@required_texts
def test_one_character_is_enough(parser: Parser, limit: int) -> None:
    assert parser("x") == "x"


@required_texts
@pytest.mark.parametrize("value", ["", " ", "\n\t ", *INVISIBLE, "".join(INVISIBLE), "\u0301"])
def test_invisible_text_is_refused_as_blank(parser: Parser, limit: int, value: str) -> None:
    assert mistake(parser, value).code == "blank"


@required_texts
@pytest.mark.parametrize("invisible", INVISIBLE)
def test_invisible_characters_are_allowed_beside_others(parser: Parser, limit: int, invisible: str) -> None:
    assert parser(f"a{invisible}b") == f"a{invisible}b"


@texts
@pytest.mark.parametrize("character", CONTROL + LONE_SURROGATES)
def test_control_characters_and_lone_surrogates_are_refused(
    parser: Parser, limit: int, character: str
) -> None:
    assert mistake(parser, f"a{character}b").code == "control_character"


@single_lines
@pytest.mark.parametrize("character", LINE_ENDS)
def test_a_single_line_has_no_line_ends(parser: Parser, limit: int, character: str) -> None:
    assert mistake(parser, f"a{character}b").code == "control_character"


@several_lines
@pytest.mark.parametrize("character", LINE_ENDS)
def test_longer_text_may_have_line_ends(parser: Parser, limit: int, character: str) -> None:
    assert parser(f"a{character}b") == f"a{character}b"


@texts
@pytest.mark.parametrize("value", [None, 1, 1.5, True, b"text", ["text"], {"text": 1}])
def test_what_is_not_text_is_refused(parser: Parser, limit: int, value: object) -> None:
    assert mistake(parser, value).code == "wrong_type"


def test_a_description_is_kept_with_its_blanks_since_they_mean_something_in_markdown() -> None:
    assert values.description("    code\n\n") == "    code\n\n"


def test_a_description_may_be_empty() -> None:
    assert values.description("") == ""


def test_the_detail_names_the_limit_and_the_length() -> None:
    assert mistake(values.title, "x" * 201).detail == "Must have at most 200 characters; this has 201."


# --- labels


def test_a_label_is_lower_cased() -> None:
    assert values.label(" Bug ") == "bug"


def test_a_label_has_no_comma() -> None:
    assert mistake(values.label, "a,b").code == "comma"


def test_a_label_that_lower_casing_makes_too_long_is_refused() -> None:
    assert mistake(values.label, "İ" * 40).code == "too_long"


def test_labels_keep_their_order_and_each_comes_once() -> None:
    assert values.labels(["zeta", "Alpha", "ZETA ", "beta"]) == ("zeta", "alpha", "beta")


def test_there_may_be_20_labels() -> None:
    assert len(values.labels([f"label-{number}" for number in range(20)])) == 20


def test_there_may_not_be_21_labels() -> None:
    assert mistake(values.labels, [f"label-{number}" for number in range(21)]).code == "too_many"


def test_a_label_given_twice_counts_once() -> None:
    assert values.labels(["same"] * 21) == ("same",)


@pytest.mark.parametrize("value", [["same"] * 201, ["a,b"] * 201])
def test_a_far_too_long_list_is_refused_without_parsing_its_items(value: list[str]) -> None:
    assert mistake(values.labels, value).code == "too_many"


def test_a_text_that_is_too_long_is_refused_before_its_characters_are_checked() -> None:
    assert mistake(values.title, "\x01" * 201).code == "too_long"


def test_a_mistake_in_a_list_has_the_position_of_the_item() -> None:
    assert mistake(values.labels, ["fine", "a,b"]).at("labels").location == "labels.1"


@pytest.mark.parametrize("parser", [values.labels, values.blockers])
@pytest.mark.parametrize("value", ["bug", b"bug", None, 1, {"bug": 1}, {"bug"}, frozenset({"bug"})])
def test_a_list_is_a_list(parser: Parser, value: object) -> None:
    assert mistake(parser, value).code == "wrong_type"


# --- ids


def test_there_may_be_50_blockers() -> None:
    ids = [f"{number:024x}" for number in range(50)]
    assert values.blockers(ids) == tuple(ids)


def test_there_may_not_be_51_blockers() -> None:
    assert mistake(values.blockers, [f"{number:024x}" for number in range(51)]).code == "too_many"


@pytest.mark.parametrize(
    "value", ["", "0" * 23, "0" * 25, "A" * 24, "g" * 24, f" {'0' * 24}", f"{'0' * 24}\n", "٠" * 24, 0, None]
)
def test_an_id_is_24_lower_case_hexadecimal_digits(value: object) -> None:
    assert mistake(values.identifier, value).code == "bad_id"


def test_an_id_is_accepted() -> None:
    assert values.identifier("0123456789abcdef01234567") == "0123456789abcdef01234567"


# --- usernames and e-mail addresses


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("ada", "ada"),
        (" Ada ", "ada"),
        ("a.b-c_9", "a.b-c_9"),
        ("x" * 40, "x" * 40),
        ("...", "..."),
        ("a" * 23, "a" * 23),
        ("mee", "mee"),
        ("none.", "none."),
    ],
)
def test_a_username_is_lower_cased(value: str, name: str) -> None:
    assert values.username(value) == name


@pytest.mark.parametrize("value", ["", "ab", "x" * 41, "a b", "ädä", "a@b", "a\nb", "ab\u200b", "a/b"])
def test_a_username_has_3_to_40_of_few_characters(value: str) -> None:
    assert mistake(values.username, value).code == "bad_username"


@pytest.mark.parametrize("value", ["none", "None", " NONE ", "0" * 24, "ABCDEFABCDEFABCDEFABCDEF"])
def test_a_username_that_means_something_else_is_refused(value: str) -> None:
    assert mistake(values.username, value).code == "reserved"


@pytest.mark.parametrize("value", ["me", "ME"])
def test_me_cannot_be_a_username(value: str) -> None:
    mistake(values.username, value)


@pytest.mark.parametrize("value", [None, 5, ["ada"]])
def test_a_username_is_text(value: object) -> None:
    assert mistake(values.username, value).code == "wrong_type"


@pytest.mark.parametrize("value", ["a@b", "Ada.Lovelace+x@Example.org", "ü@ö.de", "x" * 250 + "@b.c"])
def test_an_email_address_is_kept_as_given(value: str) -> None:
    assert values.email(f" {value} ") == value


@pytest.mark.parametrize("value", ["abc", "@abc", "abc@", "a@b@c", "a b@c", "a@b,c@d", "Ada <a@b>", "a@b;c"])
def test_anything_but_an_email_address_is_refused(value: str) -> None:
    assert mistake(values.email, value).code == "bad_email"


def test_an_email_address_has_at_most_254_characters() -> None:
    assert mistake(values.email, "x" * 251 + "@b.c").code == "too_long"


# --- actors


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("me", "me"),
        ("0" * 24, "0" * 24),
        ("Ada", "ada"),
        ("system:cli", "system:cli"),
        ("system:", "system:"),
    ],
)
def test_an_actor_is_named_by_id_username_me_or_system_process(value: str, key: str) -> None:
    assert values.actor_key(value) == key


@pytest.mark.parametrize("value", ["none", "", "a b", "system:\n\x00", "system:" + "x" * 94, 5, None, ["me"]])
def test_anything_but_an_actor_is_refused(value: object) -> None:
    mistake(values.actor_key, value)


# --- numbers, booleans and names


@pytest.mark.parametrize("value", [1, 2, 2**63 - 1])
def test_a_version_is_a_whole_number_from_1(value: int) -> None:
    assert values.version(value) == value


@pytest.mark.parametrize("value", [0, -1, 2**63])
def test_a_version_outside_the_range_is_refused(value: int) -> None:
    assert mistake(values.version, value).code == "out_of_range"


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_a_version_is_a_number(value: object) -> None:
    assert mistake(values.version, value).code == "wrong_type"


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_only_true_and_false_are_boolean(value: object) -> None:
    assert mistake(values.boolean, value).code == "wrong_type"


def test_true_and_false_are_accepted() -> None:
    assert (values.boolean(True), values.boolean(False)) == (True, False)


def test_a_member_of_an_enumeration_is_accepted_by_name_or_itself() -> None:
    parse = parsing.one_of(Priority)
    assert parse("high") is parse(Priority.HIGH) is Priority.HIGH


@pytest.mark.parametrize("value", ["HIGH", "soon", "", 2, None, ["high"]])
def test_an_unknown_member_is_refused_with_the_known_ones(value: object) -> None:
    assert mistake(parsing.one_of(Priority), value).allowed == ("low", "medium", "high", "urgent")


def test_one_of_the_allowed_names_is_accepted() -> None:
    assert parsing.one_of_names(("a", "b"))("b") == "b"


@pytest.mark.parametrize("value", ["c", "", None, ["a"]])
def test_another_name_is_refused_with_the_allowed_ones(value: object) -> None:
    assert mistake(parsing.one_of_names(("a", "b")), value).allowed == ("a", "b")


def test_an_optional_value_may_be_none() -> None:
    assert parsing.optional(values.title)(None) is None


def test_an_optional_value_is_checked_if_it_is_given() -> None:
    assert mistake(parsing.optional(values.title), "").code == "blank"


# --- all of them at once


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parsing.parse_fields(
            {"title": "", "labels": ["a", "b,c"], "colour": "red", "description": "fine"},
            {"title": values.title, "labels": values.labels, "description": values.description},
        )
    assert [(error.location, error.code) for error in caught.value.errors] == [
        ("title", "blank"),
        ("labels.1", "comma"),
        ("colour", "unknown_field"),
    ]


def test_an_unknown_field_is_reported_with_the_known_ones() -> None:
    assert parsing.unknown_field("colour", ["title", "labels"]) == FieldError(
        location="colour",
        code="unknown_field",
        detail="Unknown field.",
        allowed=("title", "labels"),
    )


def test_parsed_values_replace_the_raw_ones() -> None:
    assert parsing.parse_fields({"title": " x "}, {"title": values.title}) == {"title": "x"}


def test_a_location_can_be_prefixed() -> None:
    error = FieldError(location="labels.3", code="comma", detail="…")
    assert error.under("body").location == "body.labels.3"


def test_a_mistake_without_a_location_gets_the_prefix_alone() -> None:
    assert FieldError(location="", code="x", detail="…").under("body").location == "body"


# --- properties

ANY_TEXT = st.text(max_size=60) | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Zs", "Cf"]))
IDEMPOTENT: list[tuple[Parser, st.SearchStrategy[Any]]] = [
    (values.title, ANY_TEXT),
    (values.description, ANY_TEXT),
    (values.reason, ANY_TEXT),
    (values.comment_text, ANY_TEXT),
    (values.person_name, ANY_TEXT),
    (values.label, ANY_TEXT),
    (values.labels, st.lists(ANY_TEXT)),
    (values.username, ANY_TEXT | st.text(alphabet="abAB09.-_ K", max_size=45)),
    (values.email, ANY_TEXT | st.emails()),
    (values.actor_key, ANY_TEXT | ANY_TEXT.map("system:".__add__)),
]


@pytest.mark.parametrize(("parser", "inputs"), IDEMPOTENT, ids=[parser.__name__ for parser, _ in IDEMPOTENT])
@given(data=st.data())
def test_a_parsed_value_is_accepted_again_unchanged(
    parser: Parser, inputs: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    try:
        once = parser(data.draw(inputs))
    except BadValue:
        return
    assert parser(once) == once


@given(ANY_TEXT)
def test_a_title_can_be_stored_and_is_visible(value: str) -> None:
    try:
        title = values.title(value)
    except BadValue:
        return
    assert title.encode()  # no lone surrogate
    assert title == title.strip()
    assert 1 <= len(title) <= 200
    assert not {unicodedata.category(character) for character in title} <= {"Cf", "Zs", "Mn"}


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=6)


@given(JSON)
def test_a_bad_value_raises_nothing_but_bad_value(value: object) -> None:
    for parser in (
        *(parser for parser, _ in IDEMPOTENT),
        values.identifier,
        values.blockers,
        values.version,
        values.boolean,
        parsing.one_of(Priority),
    ):
        with suppress(BadValue):
            parser(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        ("νικοσ@x.org", "ΝΙΚΟΣ@x.org"),
        ("νικος@x.org", "ΝΙΚΟΣ@x.org"),
        ("straße@x.org", "STRASSE@x.org"),
        ("jose\u0301@x.org", "JOSÉ@x.org"),
        ("ａｄａ@x.org", "ada@x.org"),
        ("a\u200bda@x.org", "ada@x.org"),
        ("℡@x.org", "tel@x.org"),
    ],
)
def test_two_spellings_of_an_email_address_have_one_key(one: str, other: str) -> None:
    assert values.email_key(one) == values.email_key(other)


def test_accents_make_another_email_address() -> None:
    assert values.email_key("jose@x.org") != values.email_key("josé@x.org")


@given(st.text(max_size=20))
def test_an_email_key_is_its_own_key_in_every_case_and_form(text: str) -> None:
    key = values.email_key(text)

    assert values.email_key(key) == key
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert values.email_key(unicodedata.normalize(form, text)) == key  # type: ignore[arg-type]
    if "ı" not in text:  # its capital is an ordinary I
        assert values.email_key(text.upper()) == key
