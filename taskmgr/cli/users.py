"""`taskmgr users`: who there is, and what each may do."""

from __future__ import annotations

from typing import Any

import click

from taskmgr.cli import access
from taskmgr.cli.output import as_json, record, show_json, show_table
from taskmgr.domain.model.commands import UserChanges
from taskmgr.domain.model.user import Role, User

ROLES = [role.value for role in Role]
FIELDS = (
    "id", "username", "name", "email", "role", "kind", "active", "created_at", "updated_at", "version",
)  # fmt: skip
_COLUMNS = ("username", "name", "email", "role", "kind", "active")


@click.group()
def users() -> None:
    """Add, list and change users."""


@users.command("list")
@as_json
def list_users(as_json: bool) -> None:
    """List all users, by name."""
    with access.services() as (services, by):
        records = [record(user, FIELDS) for user in services.users.iterate(by=by)]
    if as_json:
        show_json(records)
    else:
        show_table(records, _COLUMNS)


@users.command()
@click.argument("username", metavar="NAME")
@click.option("--name", "full_name", help="The full name; by default the same as NAME.")
@click.option("--role", type=click.Choice(ROLES), default="member", show_default=True)
@click.option("--email")
@click.option("--service", is_flag=True, help="A program rather than a person.")
@as_json
def add(
    username: str, full_name: str | None, role: str, email: str | None, service: bool, as_json: bool
) -> None:
    """Add a user. A token for it is made by `taskmgr tokens create`."""
    given: dict[str, Any] = {"username": username, "name": full_name or username, "role": role}
    if email is not None:
        given["email"] = email
    kind = "service" if service else "person"
    with access.services() as (services, by):
        user = services.users.create(by=by, kind=kind, **given)
    _show(user, f"{user.username} is added, as {user.role.value}.", as_json=as_json)


@users.command("set-role")
@click.argument("username", metavar="NAME")
@click.argument("role", type=click.Choice(ROLES))
@as_json
def set_role(username: str, role: str, as_json: bool) -> None:
    """Give a user another role."""
    user = _change(username, {"role": role})
    _show(user, f"{user.username} is {user.role.value} now.", as_json=as_json)


@users.command()
@click.argument("username", metavar="NAME")
@as_json
def deactivate(username: str, as_json: bool) -> None:
    """Shut a user out; tasks, comments and history keep the name."""
    user = _change(username, {"active": False})
    _show(user, f"{user.username} is deactivated.", as_json=as_json)


@users.command()
@click.argument("username", metavar="NAME")
@as_json
def activate(username: str, as_json: bool) -> None:
    """Let a deactivated user in again."""
    user = _change(username, {"active": True})
    _show(user, f"{user.username} is active.", as_json=as_json)


def _change(username: str, changes: UserChanges) -> User:
    with access.services() as (services, by):
        user = access.user_named(services, username, by=by)
        return services.users.change(user.id, changes, by=by)


def _show(user: User, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json(record(user, FIELDS))
    else:
        click.echo(sentence)
