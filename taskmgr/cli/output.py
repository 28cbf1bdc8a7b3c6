"""Formats what commands print: tables for people, JSON for programs, and errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import click

from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.errors import CannotStart, DomainError, Invalid, Refused
from taskmgr.domain.model.safe_text import without_controls, without_secrets

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

Record = Mapping[str, Any]


def record(entity: object, names: Iterable[str]) -> Record:
    """Returns the named fields of an entity, with the values that the API has in JSON."""
    return {name: _json_value(getattr(entity, name)) for name in names}


def _json_value(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def show(text: str) -> None:
    """Prints a line, with control characters escaped: stored text must not control the terminal."""
    click.echo(without_controls(text))


def show_json(value: object) -> None:
    """Prints a record, or a list of records, as indented JSON."""
    click.echo(without_controls(json.dumps(value, indent=2, ensure_ascii=False), keep_lines=True))


def show_table(records: Sequence[Record], columns: Sequence[str]) -> None:
    """Prints the named columns: as a framed table on a terminal, otherwise as text without truncation."""
    rows = [[_cell(each[name]) for name in columns] for each in records]
    if sys.stdout.isatty():
        _show_framed(rows, columns)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for cells in ([name.upper() for name in columns], *rows):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _show_framed(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE)
    for cells in rows:
        table.add_row(*map(Text, cells))
    Console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return without_controls(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def show_error(text: str) -> None:
    """Prints a message on standard error, without secrets and with control characters escaped."""
    click.echo(without_controls(without_secrets(text), keep_lines=True), err=True)


def error_text(error: CannotStart | DomainError) -> str:
    """Returns the message for a person: the error's code, then every reason and how to fix it."""
    if isinstance(error, CannotStart):
        return str(error)
    if isinstance(error, Refused):
        return "\n".join([f"{error.code}:", *_reasons(error)])
    if isinstance(error, Invalid):
        return "\n".join([f"{error.code}:", *(f"  {e.location}: {e.detail}" for e in error.errors)])
    return f"{error.code}: {error}"


def _reasons(error: Refused) -> Iterator[str]:
    for reason in error.reasons:
        fix = f" {reason.fix.text}" if reason.fix else ""
        yield f"  {reason.code}: {reason.detail}{fix}"
