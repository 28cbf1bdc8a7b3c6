"""The log: one line an event on standard error, ours and the libraries' in the same form.

JSON for a collector, or text for a reader. Set up once, by the process that serves.
"""

from __future__ import annotations

import io
import logging
import sys
from datetime import UTC, datetime
from textwrap import indent
from typing import Any, TextIO

import orjson
import structlog

from taskmgr.domain.safe_text import without_controls, without_secrets

_PLAIN = (int, float, type(None))  # and bool, which is an int
_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_logger_name,
    structlog.processors.add_log_level,
)


def set_up(log_format: str) -> None:
    """From now on, everything that is logged goes to standard error.

    `log_format` is one of `settings.LOG_FORMATS`; "auto" is text on a terminal and JSON elsewhere.
    """
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    ending = _json_ending() if as_json else _text_ending()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_Line,
        cache_logger_on_first_use=True,
    )


class _Line:
    """Writes a rendered event in one piece, so that the lines of several processes stay whole."""

    def __init__(self, name: str = "taskmgr") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = msg


def _json_ending() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.format_exc_info,
        _as_json,
        _hide_secrets,
    ]


def _as_json(_logger: Any, _name: str, event: Any) -> str:
    event["timestamp"] = datetime.now(UTC)
    event["message"] = event.pop("event")
    line = orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
    return without_controls(line)  # JSON itself lets those beyond ASCII pass


def _text_ending() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _escape_controls,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=_write_traceback,
            pad_event_to=0,
        ),
        _hide_secrets,
    ]


def _escape_controls(_logger: Any, _name: str, event: Any) -> Any:
    """Escapes the control characters of every value but the exception, before colours are added."""
    for name, value in event.items():
        if name != "exc_info" and not isinstance(value, _PLAIN):
            event[name] = without_controls(value if isinstance(value, str) else repr(value))
    return event


def _write_traceback(file: TextIO, exc_info: Any) -> None:
    """Writes a traceback indented, so that no text of an exception looks like a line of the log."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    file.write(indent(without_controls(plain.getvalue(), keep_lines=True), "    "))


def _hide_secrets(_logger: Any, _name: str, line: Any) -> str:
    """Cuts the secret off every token in the rendered line: a path or a traceback may hold one."""
    return without_secrets(line)
