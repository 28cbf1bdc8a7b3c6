"""`taskmgr projects`: adds, lists and archives projects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from taskmgr.cli.output import Record, as_json, record, show, show_json, show_table
from taskmgr.cli.services import open_services
from taskmgr.domain.model.commands import ProjectChanges
from taskmgr.domain.model.project import Project

if TYPE_CHECKING:
    from taskmgr.domain.model.user import Actor
    from taskmgr.domain.queries.statistics import ProjectWithCounts
    from taskmgr.domain.services import Services

_FIELDS = (
    "id", "key", "name", "description", "is_default", "archived_at", "created_by", "created_at",
    "updated_at", "version",
)  # fmt: skip
_COLUMNS = ("key", "name", "open", "default", "archived")


@click.group()
def projects() -> None:
    """Add, list and archive projects."""


@projects.command("list")
@click.option("--archived", is_flag=True, help="List the archived projects instead.")
@click.option("--all", "everything", is_flag=True, help="List the archived projects, too.")
@as_json
def list_projects(archived: bool, everything: bool, as_json: bool) -> None:
    """List the projects that are not archived, by key, with the number of their open tasks."""
    if archived and everything:
        raise click.UsageError("--all lists the archived projects, too: give either --all or --archived.")
    with open_services() as (services, by):
        listed = [
            each
            for each in _iterate_with_counts(services, by)
            if everything or each.project.is_archived is archived
        ]
    if as_json:
        show_json([_record(each.project) | {"counts": asdict(each.counts)} for each in listed])
    else:
        show_table([_row(each) for each in listed], _COLUMNS)


def _iterate_with_counts(services: Services, by: Actor) -> Iterator[ProjectWithCounts]:
    """Yields all projects with the counts of their tasks, by key, reading page by page."""
    from taskmgr.domain.queries.pages import MAX_LIMIT, PageRequest

    request: PageRequest | None = PageRequest(limit=MAX_LIMIT)
    while request is not None:
        page = services.projects.list_with_counts(request, by=by)
        yield from page.items
        request = None if page.next is None else replace(request, after=page.next)


def _row(listed: ProjectWithCounts) -> Record:
    """Returns the columns of the table for people."""
    archived = {"archived": listed.project.is_archived}
    return _record(listed.project) | archived | {"open": listed.counts.open}


@projects.command()
@click.argument("key")
@click.argument("name")
@click.option("--description", help="What the project is about.")
@click.option("--default", "is_default", is_flag=True, help="Tasks without a project go into this one.")
@as_json
def add(key: str, name: str, description: str | None, is_default: bool, as_json: bool) -> None:
    """Add a project. Its tasks are called KEY-1, KEY-2, and so on; the key can never be changed."""
    with open_services() as (services, by):
        project = services.projects.create(key=key, name=name, description=description, by=by)
        if is_default:
            project = services.projects.change(project.key, {"is_default": True}, by=by)
    ending = ", which is now the default project" if project.is_default else ""
    _report(project, f"Added {project.key} ({project.name}){ending}.", as_json=as_json)


@projects.command()
@click.argument("key")
@as_json
def archive(key: str, as_json: bool) -> None:
    """Archive a project: its tasks stay readable, and no longer change."""
    project, has_changed = _change(key, {"archived": True})
    name = f"{project.key} ({project.name})"
    _report(project, f"Archived {name}." if has_changed else f"{name} is already archived.", as_json=as_json)


@projects.command()
@click.argument("key")
@as_json
def unarchive(key: str, as_json: bool) -> None:
    """Take a project out of the archive."""
    project, has_changed = _change(key, {"archived": False})
    name = f"{project.key} ({project.name})"
    sentence = f"Took {name} out of the archive." if has_changed else f"{name} is not archived."
    _report(project, sentence, as_json=as_json)


@projects.command("set-default")
@click.argument("key")
@as_json
def set_default(key: str, as_json: bool) -> None:
    """Make a project the default: tasks without a project go into it."""
    project, has_changed = _change(key, {"is_default": True})
    since = "now" if has_changed else "already"
    _report(project, f"{project.key} ({project.name}) is {since} the default project.", as_json=as_json)


def _change(key: str, changes: ProjectChanges) -> tuple[Project, bool]:
    """Returns the project after the change, and whether the change has made a difference."""
    with open_services() as (services, by):
        before = services.projects.get(key, by=by)
        after = services.projects.change(before.id, changes, by=by)
        return after, after.version != before.version


def _report(project: Project, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json(_record(project))
    else:
        show(sentence)


def _record(project: Project) -> dict[str, Any]:
    """Returns the fields with the names that they have in the API."""
    fields = record(project, _FIELDS)
    return {name.removeprefix("is_"): value for name, value in fields.items()}
