"""`taskmgr db backup`, `restore` and `verify`: saves the database in one file, and restores and checks it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, TYPE_CHECKING, Any

import click

from taskmgr.cli.output import as_json, show, show_json
from taskmgr.domain.model.clock import format_instant
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.rules.wording import counted
from taskmgr.version import __version__

if TYPE_CHECKING:
    from pymongo.database import Database

    from taskmgr.infrastructure.files.backup_format import BackupHeader, Manifest

_STANDARD_STREAM = "-"
_FILE = click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
_PROGRESS_STEP = 500  # documents


@click.command()
@_FILE
def backup(file: Path) -> None:
    """Save the whole database in FILE, as of one moment; - is the standard output.

    The service may be running. FILE is written under another name and renamed when it is complete; only its
    owner may read it. Keep it secret: it contains the hashes of tokens and passwords.
    """
    from taskmgr.infrastructure.mongo.backup.saving import SAVED_COLLECTIONS, save_database
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.resources import open_configured_database
    from taskmgr.settings import Settings

    if str(file) == _STANDARD_STREAM and sys.stdout.isatty():
        raise click.UsageError("A backup is binary data: redirect the standard output, or name a file.")
    with _written(file) as target, open_configured_database(Settings.from_env()) as database:
        require_replica_set(database)
        total = sum(database[name].estimated_document_count() for name in SAVED_COLLECTIONS)
        with _progress("Saving", total) as seen:
            saved = save_database(database, target, release=__version__, seen=seen)
    click.echo(f"Saved {_describe(*saved)}.", err=str(file) == _STANDARD_STREAM)


@click.command()
@_FILE
@click.option("--replace", is_flag=True, help="Replace everything that the database contains.")
def restore(file: Path, replace: bool) -> None:
    """Restore the database from FILE, which `taskmgr db backup` has made; - is the standard input.

    The whole file is checked first. The present data stays in use until everything has been loaded. A running
    service refuses writes for some seconds, while the data is replaced.
    """
    from taskmgr.infrastructure.files.backup_file import BackupFile
    from taskmgr.infrastructure.mongo.backup.restoring import (
        require_replaceable,
        require_restorable,
        restore_database,
    )
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.resources import load_policy, open_configured_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    time_zone = load_policy(settings).time_zone
    with _opened(file) as source, open_configured_database(settings) as database:
        require_replica_set(database)
        require_replaceable(database, replace=replace)
        header, manifest = _check(source, file)
        require_restorable(header, manifest, time_zone)
        source.seek(0)
        with _progress("Restoring", sum(rows.count for rows in manifest.values())) as seen:
            again = BackupFile(source, str(file))
            restore_database(database, again, replace=replace, seen=seen)
        _migrate(database, time_zone)
    show(f"Restored {_describe(header, manifest)}.")


@click.command()
@_FILE
@as_json
def verify(file: Path, as_json: bool) -> None:
    """Check a backup from beginning to end, without a database; - is the standard input."""
    with _opened(file) as source:
        header, manifest = _check(source, file)
    if as_json:
        show_json(
            {
                "release": header.release,
                "as_of": format_instant(header.as_of),
                "database": header.database,
                "stored_form": header.schema_version,
                "time_zone": header.time_zone,
                "documents": {name: rows.count for name, rows in manifest.items()},
            }
        )
    else:
        show(f"The backup is complete: {_describe(header, manifest)}.")


def _migrate(database: Database[Any], time_zone: tzinfo) -> None:
    """Migrates data of an earlier schema version, and whatever else a restored backup needs."""
    from taskmgr.infrastructure.mongo import migrations
    from taskmgr.infrastructure.mongo.schema_version import SETTLING_SECONDS

    if not migrations.is_current(database, time_zone):
        migrations.migrate(database, time_zone, settling=SETTLING_SECONDS)


def _check(source: IO[bytes], file: Path) -> tuple[BackupHeader, Manifest]:
    from taskmgr.infrastructure.files.backup_file import BackupFile

    with _progress("Checking", os.fstat(source.fileno()).st_size, source.tell) as seen:
        checked = BackupFile(source, str(file))
        return checked.header, checked.check(seen)


def _describe(header: BackupHeader, manifest: Manifest) -> str:
    tasks, users = (manifest[name].count if name in manifest else 0 for name in ("tasks", "users"))
    total = sum(rows.count for rows in manifest.values())
    return (
        f"{counted(tasks, 'task')}, {counted(users, 'user')} and {counted(total, 'document')} in all, as of "
        f"{format_instant(header.as_of)} (taskmgr {header.release}, schema version {header.schema_version})"
    )


@contextmanager
def _written(file: Path) -> Iterator[IO[bytes]]:
    """Yields a stream whose content becomes the file, if the block does not fail."""
    if str(file) == _STANDARD_STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if file.exists() and not file.is_file():
        raise CannotStart(f"{file} is not a regular file: use - to write to the standard output.")
    try:
        with NamedTemporaryFile(
            dir=file.parent, prefix=f".{file.name}.", suffix=".part", delete=False
        ) as target:
            try:
                yield target
                target.flush()
                os.fsync(target.fileno())
                Path(target.name).replace(file)
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CannotStart(f"{file} cannot be written: {error.strerror}.") from error


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Yields a stream with the content of the file that can be read twice."""
    try:
        with sys.stdin.buffer if str(file) == _STANDARD_STREAM else file.open("rb") as source:
            if source.seekable():
                yield source
                return
            with TemporaryFile() as copy:
                shutil.copyfileobj(source, copy)
                copy.seek(0)
                yield copy
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from error


@contextmanager
def _progress(
    title: str, total: int, position: Callable[[], int] | None = None
) -> Iterator[Callable[[], None]]:
    """Yields a function that moves a bar on the terminal: by one, or to a position."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    count = 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(title, total=total)

        def seen() -> None:
            nonlocal count
            count += 1
            if count % _PROGRESS_STEP == 0:
                progress.update(bar, completed=count if position is None else position())

        yield seen
