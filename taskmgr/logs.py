"""Sets up the log: one line per event on standard error, in the same form for our code and for libraries.

The form is JSON for a log collector, or text for a person. Only the running service sets up a log.
"""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from textwrap import indent
from types import TracebackType
from typing import Any

import orjson
import structlog

from taskmgr import exception_text
from taskmgr.domain.model.safe_text import without_controls, without_secrets

_UNESCAPED = (int, float, type(None))  # bool is an int
_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.stdlib.add_logger_name,
    structlog.processors.add_log_level,
)


def set_up(log_format: str) -> None:
    """Sends everything that is logged from now on to standard error.

    `log_format` is one of `setting_parsers.LOG_FORMATS`; "auto" means text on a terminal and JSON otherwise.
    """
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    renderers = _json_renderers() if as_json else _text_renderers()
    handler = _Handler(sys.stderr)
    handler.addFilter(_describe_exceptions)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_LineWriter,
        cache_logger_on_first_use=True,
    )


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Reports that a record could not be logged, without its contents."""
        error = sys.exc_info()[1]
        with suppress(OSError, ValueError):  # standard error is closed
            sys.stderr.write(f"Cannot log a record of {record.name}: {exception_text.describe(error)}\n")


def log_uncaught() -> None:
    """Makes Python log the uncaught exceptions of all threads, instead of printing them."""
    log = structlog.get_logger("taskmgr")

    def in_main_thread(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        log.critical("uncaught exception", exc_info=error)

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            log.critical("uncaught exception", exc_info=args.exc_value)

    sys.excepthook = in_main_thread
    threading.excepthook = in_thread


def _describe_exceptions(record: logging.LogRecord) -> bool:
    """Replaces exceptions in the message or the arguments of a library's record by descriptions."""
    if isinstance(record.msg, BaseException):
        record.msg = exception_text.describe(record.msg)
    if isinstance(record.args, tuple):
        record.args = tuple(map(_described, record.args))
    return True


def _described(value: Any) -> Any:
    """Returns a value in which every exception is replaced by its description."""
    if isinstance(value, BaseException):
        return exception_text.describe(value)
    if isinstance(value, list | tuple):
        return [_described(item) for item in value]
    if isinstance(value, dict):
        return {name: _described(item) for name, item in value.items()}
    return value


class _LineWriter:
    """Writes each rendered event with one call, so that lines of several processes do not mix."""

    def __init__(self, name: str = "taskmgr") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = msg


def _json_renderers() -> list[structlog.typing.Processor]:
    return [_render_exceptions, _as_json, _hide_secrets]


def _render_exceptions(_logger: Any, _name: str, event: Any) -> Any:
    """Replaces `exc_info` by the text `exception`, and exceptions among the values by descriptions."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    rendered: dict[str, Any] = _described(event)
    if isinstance(error, BaseException):
        rendered["exception"] = exception_text.render(error)
    return rendered


def _as_json(_logger: Any, _name: str, event: Any) -> str:
    event["timestamp"] = datetime.now(UTC)
    event["message"] = event.pop("event")
    line = orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
    return without_controls(line)  # JSON escapes only the control characters of ASCII


def _text_renderers() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render_exceptions,
        _escape_controls,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0),
        _hide_secrets,
    ]


def _escape_controls(_logger: Any, _name: str, event: Any) -> Any:
    """Escapes the control characters in every value; colours, which are control characters, come later.

    A traceback keeps its lines, indented so that none of them can be taken for a line of the log.
    """
    for name, value in event.items():
        if name == "exception":
            event[name] = indent(without_controls(value, keep_lines=True), "    ")
        elif not isinstance(value, _UNESCAPED):
            event[name] = without_controls(value if isinstance(value, str) else repr(value))
    return event


def _hide_secrets(_logger: Any, _name: str, line: Any) -> str:
    """Removes the secret of every token in the rendered line; a path or a traceback may contain one."""
    return without_secrets(line)
