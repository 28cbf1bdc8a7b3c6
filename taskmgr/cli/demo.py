"""`taskmgr demo`: fills an empty database with the work of a small team."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from taskmgr.cli.services import open_services
from taskmgr.domain.rules.wording import counted

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor
    from taskmgr.domain.services import Services


@click.command()
def demo() -> None:
    """Fill an empty database with the work of a small team. Except for dates, it is always the same."""
    from taskmgr.domain.model.errors import DatabaseNotEmpty
    from taskmgr.domain.services.demo.story import LEAD
    from taskmgr.domain.services.first_user import create_first_user

    with open_services() as (services, actor):
        try:
            services.demo.require_empty(by=actor)
        except DatabaseNotEmpty as error:
            raise click.ClickException(
                f"{error} Choose another database with TASKMGR_DATA_DIR or TASKMGR_DATABASE."
            ) from error
        create_first_user(services, by=actor)
        counts = services.demo.create(by=actor)
        projects = list(_describe_projects(services, actor))
    made = f"{counted(counts.users, 'user')} and {counted(counts.tasks, 'task')}"
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
