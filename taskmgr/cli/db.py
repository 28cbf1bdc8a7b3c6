"""`taskmgr db`: sets up, migrates and describes the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from taskmgr.cli.backup import backup, restore, verify
from taskmgr.cli.output import as_json, show, show_json
from taskmgr.cli.services import ACTOR_NAME
from taskmgr.domain.rules.wording import counted

if TYPE_CHECKING:
    from pymongo.database import Database

    from taskmgr.infrastructure.mongo.migrations import MigrationResult
    from taskmgr.settings import Settings


@click.group()
def db() -> None:
    """Set up the database, migrate it, show its state, and save and restore it."""


for command in (backup, restore, verify):
    db.add_command(command)


@db.command()
def init() -> None:
    """Initiate the replica set of TASKMGR_MONGODB_URI if necessary, then migrate."""
    from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    if settings.mongodb_uri is not None:
        initiated = initiate_replica_set(settings.mongodb_uri)
        click.echo("Initiated the replica set." if initiated else "The replica set is already initiated.")
    _migrate(settings)


@db.command()
def migrate() -> None:
    """Bring indexes and stored data to the form of this release. Repeating it does no harm."""
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
        migrated = migrations.migrate(database, policy.time_zone, settling=SETTLING_SECONDS)
    for line in list(_describe(migrated)) or ["The database is already up to date."]:
        show(line)


def _describe(migrated: MigrationResult) -> Iterator[str]:
    """Yields a line for each change that the migration made, and one for what it could not read."""
    for name in migrated.dropped:
        yield f"Dropped the index {name}."
    for name in migrated.made:
        yield f"Created the index {name}."
    if migrated.numbered:
        tasks = "task" if migrated.numbered == 1 else "tasks"
        yield f"Numbered {migrated.numbered:,} {tasks} in the project {migrated.project}."
    counts = ((migrated.tasks, "task"), (migrated.users, "user"), (migrated.comments, "comment"))
    for number, noun in counts:
        if number:
            yield f"Updated the derived fields of {counted(number, noun)}."
    for username in migrated.given_up:
        yield f"Removed the e-mail address of {username}, which another user also has; it is in the log."
    if migrated.tokens:
        yield f"Added the missing log entry of {counted(migrated.tokens, 'token')}."
    if migrated.unreadable:
        unreadable = counted(migrated.unreadable, "unreadable document")
        yield f"Skipped {unreadable}: run `taskmgr doctor` for details."


@db.command()
@as_json
def status(as_json: bool) -> None:
    """Show the state of the database in a line; exit status 1 if it needs a migration."""
    from taskmgr.infrastructure.mongo import migrations
    from taskmgr.infrastructure.mongo.replica_set import require_replica_set
    from taskmgr.resources import load_policy, open_configured_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    policy = load_policy(settings)
    with open_configured_database(settings) as database:
        require_replica_set(database)
        is_current = migrations.is_current(database, policy.time_zone)
        state = _read_state(database, is_current=is_current)
    if as_json:
        show_json(state)
    else:
        show(_state_line(state))
    if not is_current:
        raise SystemExit(1)


def _read_state(database: Database[Any], *, is_current: bool) -> dict[str, Any]:
    from taskmgr.infrastructure.mongo.schema_version import read_schema_state

    hello = database.client.admin.command("hello")
    schema = read_schema_state(database)
    return {
        "database": database.name,
        "replica_set": hello.get("setName"),
        "server": database.client.server_info()["version"],
        "stored_form": None if schema is None else schema.version,
        "current": is_current,
        "tasks": database["tasks"].estimated_document_count(),
        "users": database["users"].estimated_document_count(),
        "waiting_for_feed": _waiting_for_feed(database),
    }


def _waiting_for_feed(database: Database[Any]) -> int:
    """Returns how many entries of the log are not in the feed yet."""
    entries, numbered = (database[name].estimated_document_count() for name in ("activity", "feed"))
    return max(0, entries - numbered)


def _state_line(state: dict[str, Any]) -> str:
    migration = "up to date" if state["current"] else "not up to date: run `taskmgr db migrate`"
    place = f"{state['database']} on the replica set {state['replica_set']} (MongoDB {state['server']})"
    counts = ", ".join(counted(state[f"{noun}s"], noun) for noun in ("task", "user"))
    waiting = state["waiting_for_feed"]
    lag = f"; {counted(waiting, 'change')} not in the feed yet" if waiting else ""
    return f"{place}: {counts}; {migration}{lag}"


@db.command("map-status")
@click.argument("old")
@click.argument("new")
def map_status(old: str, new: str) -> None:
    """Change the status of all tasks from OLD, which is not in the policy any more, to NEW."""
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
        changed = mapping.run(old, new, by=Actor.system(ACTOR_NAME))
    show(f"Changed the status of {counted(changed, 'task')} from {old} to {new}.")
