"""`taskmgr db`: makes and keeps the database fit for the data, and says how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from taskmgr.cli.access import NAME
from taskmgr.cli.output import as_json, show_json

if TYPE_CHECKING:
    from pymongo.database import Database

    from taskmgr.infrastructure.mongo.migrations import MigrationResult
    from taskmgr.settings import Settings


@click.group()
def db() -> None:
    """Set up the database, bring it up to date, ask how it is."""


@db.command()
def init() -> None:
    """Make the servers of TASKMGR_MONGODB_URI a replica set, where they are none, and migrate."""
    from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    if settings.mongodb_uri is not None:
        made = initiate_replica_set(settings.mongodb_uri)
        click.echo("The replica set is initiated." if made else "The replica set was there already.")
    _migrate(settings)


@db.command()
def migrate() -> None:
    """Bring indexes and stored data to the form of this release; safe to run twice, and twice at once."""
    from taskmgr.settings import Settings

    _migrate(Settings.from_env())


def _migrate(settings: Settings) -> None:
    from taskmgr.infrastructure.mongo import migrations
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.infrastructure.mongo.schema_version import SETTLING_SECONDS
    from taskmgr.resources import load_policy, open_configured_database

    policy = load_policy(settings)
    with open_configured_database(settings) as database:
        require_replica_set(database)
        done = migrations.migrate(database, policy.time_zone, settling=SETTLING_SECONDS)
    for line in _lines(done) or ["There was nothing to do."]:
        click.echo(line)


def _lines(done: MigrationResult) -> list[str]:
    lines = [f"dropped the index {name}" for name in done.dropped]
    lines += [f"made the index {name}" for name in done.made]
    lines += [
        f"updated the derived fields of {count} {name}"
        for name, count in (("tasks", done.tasks), ("users", done.users))
        if count
    ]
    lines += [
        f"removed the e-mail address of {name}, which another user has, too; it is in the log"
        for name in done.given_up
    ]
    if done.unreadable:
        lines.append(f"left {done.unreadable} documents that cannot be read: `taskmgr doctor` names them")
    return lines


@db.command()
@as_json
def status(as_json: bool) -> None:
    """Say in a line how the database is; exit status 1 where it needs a migration."""
    from taskmgr.infrastructure.mongo import migrations
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.resources import load_policy, open_configured_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    policy = load_policy(settings)
    with open_configured_database(settings) as database:
        require_replica_set(database)
        current = migrations.is_current(database, policy.time_zone)
        state = _state(database, current=current)
    if as_json:
        show_json(state)
    else:
        click.echo(_line(state))
    if not current:
        raise SystemExit(1)


def _state(database: Database[Any], *, current: bool) -> dict[str, Any]:
    from taskmgr.infrastructure.mongo.schema_version import read_schema_state

    hello = database.client.admin.command("hello")
    form = read_schema_state(database)
    return {
        "database": database.name,
        "replica_set": hello.get("setName"),
        "server": database.client.server_info()["version"],
        "stored_form": None if form is None else form.version,
        "current": current,
        "tasks": database["tasks"].estimated_document_count(),
        "users": database["users"].estimated_document_count(),
    }


def _line(state: dict[str, Any]) -> str:
    verdict = "up to date" if state["current"] else "not up to date: run `taskmgr db migrate`"
    place = f"{state['database']} on the replica set {state['replica_set']} (MongoDB {state['server']})"
    return f"{place}: {state['tasks']} tasks, {state['users']} users; {verdict}"


@db.command("map-status")
@click.argument("old")
@click.argument("new")
def map_status(old: str, new: str) -> None:
    """Give all tasks that are OLD, which the policy no longer has, the status NEW."""
    from taskmgr.bootstrap import build_status_mapping
    from taskmgr.domain.model.user import Actor
    from taskmgr.infrastructure.mongo.store import mongo_store
    from taskmgr.resources import load_policy, open_configured_database, prepare_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    policy = load_policy(settings)
    with open_configured_database(settings) as database:
        prepare_database(database, settings, policy)
        mapping = build_status_mapping(mongo_store(database, time_zone=policy.time_zone), policy)
        count = mapping.run(old, new, by=Actor.system(NAME))
    click.echo(f"{count} tasks that were {old} are {new} now.")
