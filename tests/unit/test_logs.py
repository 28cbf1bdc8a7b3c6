"""The two formats of the log: JSON for collectors, text for people."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import structlog

from taskmgr import logs

SECRET = "hunter2-hunter2"
TOKEN = f"tm_0123456789abcdef01234567_{SECRET}"

Lines = Callable[[str], list[str]]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Logs with our logger and a library's in the given format, and returns the lines."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level

    def logged(form: str) -> list[str]:
        logs.set_up(form)
        structlog.get_logger("taskmgr.a").info("request", path=f"/{TOKEN}", status=200, of=int)
        logging.getLogger("library").warning("a %s one", "loud")
        logging.getLogger("library").info("too quiet")
        structlog.get_logger("taskmgr.a").error("internal error", exc_info=ValueError(TOKEN))
        return capsys.readouterr().err.splitlines()

    yield logged
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**config)


def test_json_has_one_object_per_line_with_its_time(lines: Lines) -> None:
    ours, theirs, failure = map(orjson.loads, lines("json"))

    assert list(ours) == ["path", "status", "of", "logger", "level", "timestamp", "message"]
    assert _untimed(ours) == {
        "path": f"/{TOKEN.replace(SECRET, '…')}",
        "status": 200,
        "of": "<class 'int'>",
        "logger": "taskmgr.a",
        "level": "info",
        "message": "request",
    }
    assert _untimed(theirs) == {"logger": "library", "level": "warning", "message": "a loud one"}
    assert failure["exception"] == "ValueError\n"


def _untimed(line: dict[str, Any]) -> dict[str, Any]:
    moment = line.pop("timestamp")
    assert moment.endswith("Z")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()) < 60
    return line


HOSTILE = "/\x1b[31m\x9b32m\r\n2026-01-01T00:00:00Z [info] forged"


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_from_outside_steers_a_terminal_or_forges_a_line(
    form: str, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    lines(form)
    structlog.get_logger("taskmgr.b").info("request", path=HOSTILE, seen=[HOSTILE], by=Hostile())
    structlog.get_logger("taskmgr.b").info(HOSTILE)
    structlog.get_logger("taskmgr.b").error("internal error", exc_info=ValueError(HOSTILE))
    logging.getLogger("gunicorn.error").warning("Invalid request: %s", HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        logging.getLogger("gunicorn.error").exception("Error handling request %s", HOSTILE)

    written = capsys.readouterr().err
    assert not [c for c in written if c != "\n" and unicodedata.category(c) == "Cc"]
    assert not [line for line in written.splitlines() if line.startswith("2026-01-01")]
    assert written.count("forged") >= 5  # the texts of exceptions are not logged


class Hostile:
    def __repr__(self) -> str:
        return HOSTILE


def test_text_begins_with_the_time_and_hides_secrets_too(lines: Lines) -> None:
    ours, theirs, *failure = lines("text")

    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z \[info *\] request ", ours)
    assert SECRET not in "".join([ours, *failure])
    assert "[warning  ] a loud one" in theirs
    assert "ValueError" in [line.strip() for line in failure]
