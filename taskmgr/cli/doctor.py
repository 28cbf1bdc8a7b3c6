"""`taskmgr doctor`: settings, database, indexes, clock, and every stored document, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from taskmgr.cli.output import as_json, show_json
from taskmgr.domain.errors import CannotStart, Unavailable

if TYPE_CHECKING:
    from pymongo.database import Database

    from taskmgr.domain.policy import Policy
    from taskmgr.infrastructure.inspection import Report

_CLOCK_TOLERANCE = 2.0  # seconds


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Look for what is wrong, and change nothing: a line for each finding, and exit status 1.

    Reads the whole store, at one moment of it; that may take minutes, and disturbs nobody.
    """
    found: list[dict[str, str]] = []

    def report(subject: str, detail: str) -> None:
        found.append({"subject": subject, "detail": detail})
        if not as_json:
            click.echo(f"{subject}: {detail}")

    _examine(report)
    if as_json:
        show_json(found)
    elif not found:
        click.echo("Everything is in order.")
    if found:
        raise SystemExit(1)


def _examine(report: Report) -> None:
    """Goes as far as it gets: what cannot be reached cannot be examined."""
    from taskmgr.bootstrap import load_policy, reach
    from taskmgr.settings import Settings

    try:
        settings = Settings.from_env()
        policy = load_policy(settings)
    except CannotStart as error:
        for line in str(error).splitlines():
            report("settings", line)
        return
    try:
        with reach(settings) as database:
            _examine_database(database, policy, report)
    except (CannotStart, Unavailable) as error:
        report("database", str(error))


def _examine_database(database: Database[Any], policy: Policy, report: Report) -> None:
    from taskmgr.infrastructure import connection, inspection, migrations
    from taskmgr.infrastructure.stored_form import require_known_form

    connection.require_replica_set(database)
    connection.MongoHealth(database).check()
    require_known_form(database)
    _examine_clock(database, report)
    for detail in migrations.outdated(database, policy.time_zone):
        report("database", f"{detail}: run `taskmgr db migrate`.")
    inspection.inspect(database, policy, report)


def _examine_clock(database: Database[Any], report: Report) -> None:
    from taskmgr.domain.clock import utc_now
    from taskmgr.infrastructure.connection import server_time

    before = utc_now()
    there = server_time(database)
    after = utc_now()
    ahead = max((there - after).total_seconds(), (before - there).total_seconds())
    if ahead > _CLOCK_TOLERANCE:
        report("clock", f"It differs from the database's by {ahead:.0f} seconds: due dates suffer.")
