"""`taskmgr log`: exports the log of changes as a chain of hashes, and verifies it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from taskmgr.cli.output import show
from taskmgr.verify_log import Head, Report, parse_head
from taskmgr.verify_log import verify as verify_lines

if TYPE_CHECKING:
    from taskmgr.domain.ports.feed import FeedRepository

_BATCH = 500


class _HeadType(click.ParamType[Head]):
    """`SEQ:HASH`, as `log export` and `log verify` print it."""

    name = "SEQ:HASH"

    def convert(self, value: str | Head, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        if isinstance(value, Head):
            return value
        try:
            return parse_head(value)
        except ValueError:
            self.fail("Must be a number, a colon and 64 hexadecimal digits, such as 120:5f3a….", param, ctx)


@click.group()
def log() -> None:
    """Export the log of changes, and prove that it has not been rewritten."""


@log.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--since", metavar="SEQ", type=click.IntRange(min=0), default=0, help="Begin after this entry.")
def export(file: Path, since: int) -> None:
    """Write the log to FILE, one line of JSON per entry, with its number and its hash.

    FILE is replaced when it is complete. Entries that the background process has not numbered yet are not
    in it. Prints the head: note it down, to prove later that nothing before it was changed.
    """
    from taskmgr.infrastructure.mongo.store import mongo_store
    from taskmgr.resources import open_configured_database
    from taskmgr.settings import Settings

    with open_configured_database(Settings.from_env()) as database, _replaced(file) as lines:
        lost, head = _write_lines(mongo_store(database).feed, since, lines)
    show(f"Wrote the log after entry {since} to {file}. The head is {head}.")
    for seq in lost:
        show(f"Entry {seq} is missing in the log or cannot be read: run `taskmgr log verify`.")
    if lost:
        raise SystemExit(1)


def _write_lines(feed: FeedRepository, since: int, lines: IO[bytes]) -> tuple[Sequence[int], Head]:
    """Writes the entries after a number; returns the numbers without a readable entry, and the last one."""
    from taskmgr.domain.history.chain import canonical_json, plain_entry

    digest = feed.hash_at(since)
    if digest is None:
        raise click.UsageError(f"The log has no entry {since}: it ends with {feed.head().seq}.")
    lines.write(canonical_json({"after": since, "hash": digest.hex()}) + b"\n")
    lost, head = list[int](), Head(since, digest)
    while (part := feed.read(head.seq, limit=_BATCH)).hash is not None:
        entries = {each.seq: each for each in part.entries}
        for seq in range(head.seq + 1, part.last + 1):
            try:
                each = entries[seq]
                row = {"seq": seq, "hash": each.hash.hex(), "entry": plain_entry(each.change)}
                lines.write(canonical_json(row) + b"\n")
            except (KeyError, TypeError, ValueError):
                lost.append(seq)
        head = Head(part.last, part.hash)
    return lost, head


@contextmanager
def _replaced(file: Path) -> Iterator[IO[bytes]]:
    """Yields a new file, which replaces the named one at the end, unless the block fails."""
    number, name = tempfile.mkstemp(dir=file.absolute().parent, prefix=f".{file.name}.")
    try:
        with open(number, "wb") as new:
            yield new
            new.flush()
            os.fsync(new.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@log.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option("--head", type=_HeadType(), help="A head that was noted before; it must be the same now.")
def verify(file: Path | None, head: Head | None) -> None:
    """Verify the hashes of FILE without a database, or, without FILE, of the database.

    In the database, the feed must have every entry of the log, and the stored tasks, users, comments,
    projects and tokens must be what their entries say. Prints a line per finding; exit status 1 if there
    are any.
    """
    findings = 0

    def report(text: str) -> None:
        nonlocal findings
        findings += 1
        show(text)

    last = _verify_database(head, report) if file is None else _verify_file(file, head, report)
    if findings:
        raise SystemExit(1)
    show(f"Everything is in order. The head is {last}.")


def _verify_file(file: Path, head: Head | None, report: Report) -> Head:
    with file.open("rb") as lines:
        return verify_lines(lines, report, head)


def _verify_database(head: Head | None, report: Report) -> Head:
    from taskmgr.infrastructure.mongo.inspection.database import inspect_database
    from taskmgr.infrastructure.mongo.schema_version import require_known_schema
    from taskmgr.infrastructure.mongo.store import mongo_store
    from taskmgr.resources import load_policy, open_configured_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    policy = load_policy(settings)
    with open_configured_database(settings) as database:
        require_known_schema(database)
        feed = mongo_store(database).feed
        last = feed.head()
        inspect_database(database, policy, lambda subject, _, detail: report(f"{subject}: {detail}"))
        if head is not None and (found := feed.hash_at(head.seq)) != head.hash:
            now = "does not exist" if found is None else f"has the hash {found.hex()}"
            report(f"feed {head.seq}: It {now}, but had {head.hash.hex()} when it was noted.")
    return Head(last.seq, last.hash)
