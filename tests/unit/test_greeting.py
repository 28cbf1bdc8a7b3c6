"""The greeting that the service prints when it has started."""

from __future__ import annotations

from taskmgr.server.greeting import FirstUser, build_greeting

HERE = "http://127.0.0.1:5000"


def test_the_first_start_shows_a_link_the_token_and_a_line_to_paste() -> None:
    text = build_greeting(HERE, FirstUser(token="tm_x", link=f"{HERE}/welcome#tml_x"), "admin")
    assert f"\n  {HERE}/welcome#tml_x\n" in text
    assert "tm_x" in text
    assert f"{HERE}/api/v1/tasks" in text


def test_a_later_start_names_an_existing_admin() -> None:
    assert "taskmgr tokens create --user eve" in build_greeting(HERE, None, "eve")


def test_without_an_admin_it_says_how_to_make_one() -> None:
    text = build_greeting(HERE, None, None)
    assert "set-role NAME admin" in text
    assert "tokens create" not in text
