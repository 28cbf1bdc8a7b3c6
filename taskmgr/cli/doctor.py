"""`taskmgr doctor`: checks the settings, the database, the indexes, the clock and every stored document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import click

from taskmgr.cli.output import show
from taskmgr.domain.model.errors import CannotStart, Unavailable
from taskmgr.domain.model.safe_text import without_controls

if TYPE_CHECKING:
    from pymongo.database import Database

    from taskmgr.domain.model.policy import Policy
    from taskmgr.infrastructure.mongo.inspection.snapshot import Report

_CLOCK_TOLERANCE = 2.0  # seconds


class KeyedReport(Protocol):
    """Receives a finding, and the key of the task that it is about."""

    def __call__(self, subject: str, code: str, detail: str, key: str | None = None) -> None: ...


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print each finding as a line of JSON.")
def doctor(as_json: bool) -> None:
    """Check everything and change nothing. Prints a line per finding; exit status 1 if there are any.

    Reads the whole database as of one moment. This may take minutes; the service can keep running.
    """
    has_findings = False

    def report(subject: str, code: str, detail: str, key: str | None = None) -> None:
        nonlocal has_findings
        has_findings = True
        if as_json:
            finding = {"subject": subject, "key": key, "code": code, "detail": detail}
            show(json.dumps(finding, ensure_ascii=False))
        else:
            show(f"{_named(subject, key)}: {detail}")

    _check(report)
    if has_findings:
        raise SystemExit(1)
    if not as_json:
        click.echo("Everything is in order.")


def _named(subject: str, key: str | None) -> str:
    """Returns what people call the subject: "task OPS-12 (65f…)" for a task with a key."""
    if key is None:
        return subject
    kind, _, identifier = subject.partition(" ")
    return f"{kind} {key} ({identifier})"


def _check(report: KeyedReport) -> None:
    """Checks the settings, and the database if they are usable."""
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
            _check_database(database, policy, report)
    except (CannotStart, Unavailable) as error:
        report("database", "database", str(error))


def _check_database(database: Database[Any], policy: Policy, report: KeyedReport) -> None:
    from taskmgr.infrastructure.mongo import migrations
    from taskmgr.infrastructure.mongo.backup.swapping import loaded_collections
    from taskmgr.infrastructure.mongo.health import MongoHealth
    from taskmgr.infrastructure.mongo.inspection.database import inspect_database
    from taskmgr.infrastructure.mongo.inspection.internals import OUR_COLLECTIONS
    from taskmgr.infrastructure.mongo.inspection.names import read_key
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.infrastructure.mongo.schema_version import require_known_schema

    require_replica_set(database)
    MongoHealth(database).check()
    require_known_schema(database)
    _check_clock(database, report)
    for detail in migrations.reasons_to_migrate(database, policy.time_zone):
        report("database", "outdated", f"{detail}: run `taskmgr db migrate`.")
    loaded = loaded_collections(database)  # see `inspect_meta`
    for name in sorted(set(database.list_collection_names()) - OUR_COLLECTIONS - {*loaded}):
        text = f"Skipped the collection {name}, which does not belong to taskmgr."
        click.echo(without_controls(text), err=True)

    def report_by_key(subject: str, code: str, detail: str) -> None:
        report(subject, code, detail, read_key(database, subject))

    inspect_database(database, policy, report_by_key)


def _check_clock(database: Database[Any], report: Report) -> None:
    from taskmgr.domain.model.clock import utc_now
    from taskmgr.infrastructure.mongo.health import server_time

    before = utc_now()
    server = server_time(database)
    after = utc_now()
    difference = max((server - after).total_seconds(), (before - server).total_seconds())
    if difference > _CLOCK_TOLERANCE:
        report(
            "clock",
            "clock",
            f"The clocks of this machine and of the database differ by {difference:.0f} seconds: "
            "synchronize them, or tasks become overdue at the wrong time.",
        )
