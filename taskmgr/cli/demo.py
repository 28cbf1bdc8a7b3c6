"""`taskmgr demo`: fills an empty database with the work of a small team."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from taskmgr.cli.services import ACTOR_NAME
from taskmgr.domain.rules.wording import counted

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor
    from taskmgr.domain.services import Services


@click.command()
def demo() -> None:
    """Fill an empty database with the work of a small team. Except for dates, it is always the same."""
    from taskmgr.bootstrap import build_services
    from taskmgr.cli.demo_data import DemoData, SettableClock
    from taskmgr.cli.demo_story import LEAD, STORY, TEAM
    from taskmgr.domain.services.first_user import create_first_user
    from taskmgr.infrastructure.mongo.store import mongo_store
    from taskmgr.resources import load_policy, open_configured_database, prepare_database
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    policy = load_policy(settings)
    clock = SettableClock()
    with open_configured_database(settings) as database:
        prepare_database(database, settings, policy)
        store = mongo_store(database, time_zone=policy.time_zone)
        services = build_services(store, policy=policy, clock=clock)
        actor = services.system(ACTOR_NAME)
        if not _is_empty(services, actor):
            raise click.ClickException(
                "The database is not empty. Choose another one with TASKMGR_DATA_DIR or TASKMGR_DATABASE."
            )
        create_first_user(services, by=actor)
        DemoData(services, clock, actor).create()
        projects = list(_describe_projects(services, actor))
    made = f"{counted(len(TEAM), 'user')} and {counted(len(STORY), 'task')}"
    click.echo(f"Created {made} in {counted(len(projects), 'project')}:")
    for line in projects:
        click.echo(f"  {line}")
    click.echo(f"Create a token to look around with: taskmgr tokens create --user {LEAD}")


def _describe_projects(services: Services, by: Actor) -> Iterator[str]:
    """Yields a line for each project, with the keys of its first and its last task."""
    from taskmgr.domain.queries.task_query import TaskQuery

    for project in services.projects.iterate(by=by):
        numbers = [
            task.number or 0
            for binned in (False, True)
            for task in services.tasks.iterate(TaskQuery(projects=(project.key,), binned=binned), by=by)
        ]
        archived = " (archived)" if project.is_archived else ""
        first, last = (f"{project.key}-{number}" for number in (min(numbers), max(numbers)))
        yield f"{project.name}{archived}: {first} to {last}"


def _is_empty(services: Services, by: Actor) -> bool:
    """Returns True if the database has no tasks, and no users and projects but the first ones."""
    from taskmgr.domain.model.project import DEFAULT_KEY
    from taskmgr.domain.queries.pages import PageRequest
    from taskmgr.domain.queries.task_query import TaskQuery
    from taskmgr.domain.services.first_user import FIRST_USERNAME

    users = services.users.list(PageRequest(limit=2), by=by).items
    if any(user.username != FIRST_USERNAME for user in users):
        return False
    if any(project.key != DEFAULT_KEY for project in services.projects.iterate(by=by)):
        return False
    return not any(
        services.tasks.list(TaskQuery(binned=binned), PageRequest(limit=1), by=by).items
        for binned in (False, True)
    )
