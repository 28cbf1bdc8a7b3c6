"""What the service says when it has started."""

from __future__ import annotations

from taskmgr.server.service import greeting

HERE = "http://127.0.0.1:5000"


def test_the_first_start_shows_the_token_and_a_line_to_paste() -> None:
    said = greeting(HERE, "tm_x", "admin")
    assert "tm_x" in said
    assert f"{HERE}/api/v1/tasks" in said


def test_a_later_start_names_an_admin_that_there_is() -> None:
    assert "taskmgr tokens create --user eve" in greeting(HERE, None, "eve")


def test_without_an_admin_it_says_how_to_make_one() -> None:
    said = greeting(HERE, None, None)
    assert "set-role NAME admin" in said
    assert "tokens create" not in said
