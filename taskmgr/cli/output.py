"""How the command line shows things: tables for people, JSON for programs, errors in full."""

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
    """The named fields of an entity, by the names and in the form that the API has."""
    return {name: _plain(getattr(entity, name)) for name in names}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def show_json(value: object) -> None:
    """Prints a record or a list of them."""
    click.echo(without_controls(json.dumps(value, indent=2, ensure_ascii=False), keep_lines=True))


def show_table(records: Sequence[Record], columns: Sequence[str]) -> None:
    """Prints the named columns: framed on a terminal, elsewhere never cut short."""
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
    """Prints a message on standard error, without secrets and without what a terminal would obey."""
    click.echo(without_controls(without_secrets(text), keep_lines=True), err=True)


def told(error: CannotStart | DomainError) -> str:
    """An error for a person: its code, and every reason with what would lift it."""
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
