"""The log: one line an event on standard error, ours and the libraries' in the same form.

JSON for a collector, or text for a reader. Set up once, by the process that serves.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

_TOKEN = re.compile(r"(tm_[0-9a-f]{24}_)[A-Za-z0-9_-]+")
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


def without_secrets(_logger: Any, _name: str, line: Any) -> str:
    """The rendered line without the secret part of any token in it: a path or a trace may hold one."""
    return _TOKEN.sub(r"\1…", line) if "tm_" in line else line


def _json_ending() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.format_exc_info,
        _as_json,
        without_secrets,
    ]


def _as_json(_logger: Any, _name: str, event: Any) -> str:
    event["timestamp"] = datetime.now(UTC)
    event["message"] = event.pop("event")
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()


def _text_ending() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=0,
        ),
        without_secrets,
    ]
