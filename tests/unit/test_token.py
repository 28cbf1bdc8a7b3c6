"""Tokens: what they may hold, when they expire, and how their secrets are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from taskmgr.domain.model import parsing
from taskmgr.domain.model.errors import Invalid
from taskmgr.domain.model.parsing import BadValue
from taskmgr.domain.model.token import PARSERS, Scope, parse_scopes
from taskmgr.domain.services.tokens import NewToken
from taskmgr.infrastructure.credentials import Sha256Credentials
from tests.factories import NOW, a_token


def test_the_scopes_are_these() -> None:
    assert [scope.value for scope in Scope] == [
        "tasks:read",
        "tasks:write",
        "users:read",
        "users:write",
        "admin",
    ]


def test_scopes_keep_their_order_and_each_comes_once() -> None:
    assert parse_scopes(["users:read", "tasks:read", "users:read"]) == ("users:read", "tasks:read")


def test_a_scope_is_kept_as_its_text() -> None:
    (kept,) = parse_scopes([Scope.ADMIN])

    assert type(kept) is str


def test_an_unknown_scope_is_reported_with_its_place_and_the_known_ones() -> None:
    with pytest.raises(BadValue) as caught:
        parse_scopes(["tasks:read", "tasks:all"])
    assert caught.value.at("scopes").location == "scopes.1"
    assert caught.value.allowed == tuple(scope.value for scope in Scope)


@pytest.mark.parametrize("value", [[1], [None], [["tasks:read"]], [{"tasks:read": 1}], ["admin", []]])
def test_anything_but_a_name_is_not_a_scope(value: Any) -> None:
    with pytest.raises(BadValue) as caught:
        parse_scopes(value)
    assert caught.value.code == "not_allowed"


@pytest.mark.parametrize("value", ["admin", b"admin", 5, True, {"admin": True}])
def test_scopes_are_a_list(value: Any) -> None:
    with pytest.raises(BadValue) as caught:
        parse_scopes(value)
    assert caught.value.code == "wrong_type"


@pytest.mark.parametrize("kind", [set, frozenset])
def test_scopes_may_be_a_set(kind: Callable[[list[str]], Any]) -> None:
    scopes = kind(["users:read", "tasks:read"])
    assert sorted(parse_scopes(scopes)) == sorted(scopes)


def test_an_empty_list_of_scopes_is_refused() -> None:
    with pytest.raises(BadValue) as caught:
        parse_scopes([])
    assert caught.value.code == "blank"


def test_all_mistakes_of_a_token_are_reported_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        parsing.parse_fields({"name": "", "scopes": ["all"], "expires_at": "soon", "secret": "x"}, PARSERS)
    assert [error.location for error in caught.value.errors] == ["name", "scopes.0", "expires_at", "secret"]


@pytest.mark.parametrize(("late", "expired"), [(-1, False), (0, True), (1, True)])
def test_a_token_expires_at_its_instant(late: int, expired: bool) -> None:
    token = a_token(expires_at=NOW)
    assert token.is_expired(now=NOW + timedelta(milliseconds=late)) is expired


def test_a_token_without_an_end_never_expires() -> None:
    assert not a_token().is_expired(now=NOW + timedelta(days=36_500))


def test_the_text_of_a_new_token_is_not_shown() -> None:
    assert "secret" not in repr(NewToken(a_token(), "tm_1_secret"))


# --- secrets

CREDENTIALS = Sha256Credentials()


def test_a_secret_is_long_and_no_two_are_the_same() -> None:
    secrets = {CREDENTIALS.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert min(map(len, secrets)) >= 43  # 256 bits in base 64


def test_only_a_hash_of_a_secret_is_kept() -> None:
    assert CREDENTIALS.hash("secret") == hashlib.sha256(b"secret").digest()


def test_a_secret_is_recognised() -> None:
    assert CREDENTIALS.matches("secret", CREDENTIALS.hash("secret"))


@pytest.mark.parametrize("other", ["", "Secret", "secret ", "s\ud800", "sécret", "\0"])
def test_another_secret_is_not_recognised(other: str) -> None:
    assert not CREDENTIALS.matches(other, CREDENTIALS.hash("secret"))
