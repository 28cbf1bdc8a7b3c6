"""`taskmgr demo`: fills an empty database with a small team's work, to look around in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from taskmgr.cli.access import NAME

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor
    from taskmgr.domain.services import Services


@click.command()
def demo() -> None:
    """Fill an empty database with a small team's work: the same every time, but for the dates."""
    from taskmgr.bootstrap import build_services
    from taskmgr.cli.demo_play import Play, StageClock
    from taskmgr.cli.demo_story import LEAD, STORY, TEAM
    from taskmgr.domain.services.first_user import create_first_user
    from taskmgr.infrastructure.mongo.store import mongo_store
    from taskmgr.resources import load_policy, open_configured_database, prepare_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    policy = load_policy(settings)
    clock = StageClock()
    with open_configured_database(settings) as database:
        prepare_database(database, settings, policy)
        store = mongo_store(database, time_zone=policy.time_zone)
        services = build_services(store, policy=policy, clock=clock)
        by = services.system(NAME)
        if not _is_empty(services, by):
            raise click.ClickException(
                "The database is not empty: set TASKMGR_DATA_DIR or TASKMGR_DATABASE to another one."
            )
        create_first_user(services, by=by)
        Play(services, clock, by).perform()
    click.echo(f"Made {len(TEAM)} users and {len(STORY)} tasks.")
    click.echo(f"A token to look around with: taskmgr tokens create --user {LEAD}")


def _is_empty(services: Services, by: Actor) -> bool:
    """Whether there is nothing yet but, perhaps, the first user."""
    from taskmgr.domain.queries.pages import PageRequest
    from taskmgr.domain.queries.task_query import TaskQuery
    from taskmgr.domain.services.first_user import FIRST_USERNAME

    users = services.users.list(PageRequest(limit=2), by=by).items
    if any(user.username != FIRST_USERNAME for user in users):
        return False
    return not any(
        services.tasks.list(TaskQuery(binned=binned), PageRequest(limit=1), by=by).items
        for binned in (False, True)
    )
