"""`taskmgr doctor`: settings, database, indexes, clock, and every stored document, checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from taskmgr.domain.model.errors import CannotStart, Unavailable

if TYPE_CHECKING:
    from pymongo.database import Database

    from taskmgr.domain.model.policy import Policy
    from taskmgr.infrastructure.mongo.inspection.snapshot import Report

_CLOCK_TOLERANCE = 2.0  # seconds


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print each finding as a line of JSON.")
def doctor(as_json: bool) -> None:
    """Look for what is wrong, and change nothing: a line for each finding, and exit status 1.

    Reads the whole store, at one moment of it; that may take minutes, and disturbs nobody.
    """
    count = 0

    def report(subject: str, code: str, detail: str) -> None:
        nonlocal count
        count += 1
        found = {"subject": subject, "code": code, "detail": detail}
        click.echo(json.dumps(found, ensure_ascii=False) if as_json else f"{subject}: {detail}")

    _examine(report)
    if count:
        raise SystemExit(1)
    if not as_json:
        click.echo("Everything is in order.")


def _examine(report: Report) -> None:
    """Goes as far as it gets: what cannot be reached cannot be examined."""
    from taskmgr.resources import load_policy, open_configured_database
    from taskmgr.settings import Settings

    try:
        settings = Settings.from_env()
        policy = load_policy(settings)
    except CannotStart as error:
        for line in str(error).splitlines():
            report("settings", "settings", line)
        return
    try:
        with open_configured_database(settings) as database:
            _examine_database(database, policy, report)
    except (CannotStart, Unavailable) as error:
        report("database", "database", str(error))


def _examine_database(database: Database[Any], policy: Policy, report: Report) -> None:
    from taskmgr.infrastructure.mongo import migrations
    from taskmgr.infrastructure.mongo.health import MongoHealth
    from taskmgr.infrastructure.mongo.inspection.database import inspect_database
    from taskmgr.infrastructure.mongo.inspection.internals import OUR_COLLECTIONS
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.infrastructure.mongo.schema_version import require_known_schema

    require_replica_set(database)
    MongoHealth(database).check()
    require_known_schema(database)
    _examine_clock(database, report)
    for detail in migrations.reasons_to_migrate(database, policy.time_zone):
        report("database", "outdated", f"{detail}: run `taskmgr db migrate`.")
    for name in sorted(set(database.list_collection_names()) - OUR_COLLECTIONS):
        click.echo(f"Not looked at: the collection {name}, which is not taskmgr's.", err=True)
    inspect_database(database, policy, report)


def _examine_clock(database: Database[Any], report: Report) -> None:
    from taskmgr.domain.model.clock import utc_now
    from taskmgr.infrastructure.mongo.health import server_time

    before = utc_now()
    there = server_time(database)
    after = utc_now()
    ahead = max((there - after).total_seconds(), (before - there).total_seconds())
    if ahead > _CLOCK_TOLERANCE:
        report("clock", "clock", f"It differs from the database's by {ahead:.0f} seconds: due dates suffer.")
