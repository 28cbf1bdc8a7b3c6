"""`taskmgr users`: adds, lists and changes users."""

from __future__ import annotations

from typing import Any

import click

from taskmgr.cli.output import as_json, record, show, show_json, show_table
from taskmgr.cli.services import find_user, open_services
from taskmgr.domain.model.commands import UserChanges
from taskmgr.domain.model.user import Role, User

_ROLES = [role.value for role in Role]
_FIELDS = (
    "id", "username", "name", "email", "role", "kind", "active", "created_at", "updated_at", "version",
)  # fmt: skip
_COLUMNS = ("username", "name", "email", "role", "kind", "active")


@click.group()
def users() -> None:
    """Add, list and change users."""


@users.command("list")
@as_json
def list_users(as_json: bool) -> None:
    """List all users, by username."""
    with open_services() as (services, by):
        records = [record(user, _FIELDS) for user in services.users.iterate(by=by)]
    if as_json:
        show_json(records)
    else:
        show_table(records, _COLUMNS)


@users.command()
@click.argument("username", metavar="NAME")
@click.option("--name", "full_name", help="Full name.  [default: NAME]")
@click.option("--role", type=click.Choice(_ROLES), default="member", show_default=True)
@click.option("--email", help="E-mail address.")
@click.option("--service", is_flag=True, help="The user is a program, not a person.")
@as_json
def add(
    username: str, full_name: str | None, role: str, email: str | None, service: bool, as_json: bool
) -> None:
    """Add a user. To create a token for the user, run `taskmgr tokens create`."""
    values: dict[str, Any] = {
        "username": username,
        "name": full_name or username,
        "role": role,
        "kind": "service" if service else "person",
    }
    if email is not None:
        values["email"] = email
    with open_services() as (services, by):
        user = services.users.create(by=by, **values)
    _report(user, f"Added {user.username} with the role {user.role.value}.", as_json=as_json)


@users.command()
@click.argument("username", metavar="NAME")
def invite(username: str) -> None:
    """Print a link with which a user signs in once and chooses a password, within 7 days.

    It also resets a forgotten password. Earlier links for the user stop working.
    """
    from taskmgr.settings import Settings

    settings = Settings.from_env()
    with open_services() as (services, by):
        link = services.links.create(find_user(services, username, by=by).id, by=by)
    click.echo(f"{settings.public_url or f'http://{settings.bind}'}{link.path}")


@users.command("set-role")
@click.argument("username", metavar="NAME")
@click.argument("role", type=click.Choice(_ROLES))
@as_json
def set_role(username: str, role: str, as_json: bool) -> None:
    """Change a user's role."""
    user = _change(username, {"role": role})
    _report(user, f"{user.username} now has the role {user.role.value}.", as_json=as_json)


@users.command()
@click.argument("username", metavar="NAME")
@as_json
def deactivate(username: str, as_json: bool) -> None:
    """Deactivate a user: no token of the user works, and tasks and comments keep the name."""
    user = _change(username, {"active": False})
    _report(user, f"Deactivated {user.username}.", as_json=as_json)


@users.command()
@click.argument("username", metavar="NAME")
@as_json
def activate(username: str, as_json: bool) -> None:
    """Activate a deactivated user again."""
    user = _change(username, {"active": True})
    _report(user, f"Activated {user.username}.", as_json=as_json)


def _change(username: str, changes: UserChanges) -> User:
    with open_services() as (services, by):
        user = find_user(services, username, by=by)
        return services.users.change(user.id, changes, by=by)


def _report(user: User, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json(record(user, _FIELDS))
    else:
        show(sentence)
